"""Runs the cases that are named, or all of them; ends with 1 when one fails."""
import sys, time, traceback

import bed, cases


def main(names):
    known = {name[5:]: case for name, case in vars(cases).items() if name.startswith("case_")}
    if names == ["--list"]:
        for name, case in known.items():
            print(f"{name:16} {case.__doc__}")
        return 0
    unknown = [name for name in names if name not in known]
    if unknown:
        bed.fail(f"there is no case {unknown[0]}\n  try: {', '.join(known)}")
    bed.enter()
    place, failed = bed.Bed(cases.HOSTS), 0
    try:
        for name in names or known:
            began = time.monotonic()
            try:
                known[name](place)
            except BaseException as error:
                failed += 1
                traceback.print_exc()
                print(f"FAILED: {name}", flush=True)
                if isinstance(error, KeyboardInterrupt):
                    break
            else:
                print(f"ok: {name:16} {time.monotonic() - began:6.2f} s", flush=True)
        if failed:
            print("the engine's log ends:\n" + place.log()[-3000:], flush=True)
    finally:
        place.close()
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
