"""Runs the cases that are named, or all of them, in their order; ends with 1 when one fails."""
import signal, sys, time, traceback

import bed


def main(names):
    import browser, cases
    known = {name[5:]: case for name, case in vars(cases).items() if name.startswith("case_")}
    if names == ["--list"]:
        for name, case in known.items():
            print(f"{name:16} {case.__doc__}")
        return 0
    unknown = [name for name in names if name not in known]
    if unknown:
        bed.fail(f"there is no case {unknown[0]}\n  try: {', '.join(known)}")
    bed.enough()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    place, window, failed = bed.Bed(cases.HOSTS), None, 0
    try:
        window = browser.Browser(place.folder / "browser")
        window.size(1280)
        for name in names or known:
            began = time.monotonic()
            try:
                window.refusals = set()
                known[name](place, window)
                complaints = window.complaints()
                if complaints:
                    bed.fail("the browser complains:\n" + "\n".join(complaints))
            except BaseException as error:
                failed += 1
                traceback.print_exc()
                window.picture(f"failed-{name}")
                print(f"FAILED: {name}", flush=True)
                if isinstance(error, KeyboardInterrupt):
                    break
            else:
                print(f"ok: {name:16} {time.monotonic() - began:6.2f} s", flush=True)
        if failed:
            print("the engine's log ends:\n" + "\n".join((place.folder / "engine.log").read_text().splitlines()[-15:]), flush=True)
    finally:
        if window:
            window.close()
        place.close()
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
