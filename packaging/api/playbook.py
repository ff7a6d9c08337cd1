"""A playbook of packaging/api/ansible, with the real modules of Ansible's collection ovirt.ovirt."""
import os, pathlib, subprocess, sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def run(folder, ca, url, password, name):
    """How many tasks did what, and what it said."""
    python = subprocess.run([REPOSITORY / "packaging/ansible"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    settings = dict(OVIRT_URL=url, OVIRT_PASSWORD=password, OVIRT_CAFILE=str(ca), HOME=str(folder), ANSIBLE_NOCOLOR="1",
                    ANSIBLE_PYTHON_INTERPRETER=f"{python}/bin/python", ANSIBLE_LOCALHOST_WARNING="0")
    done = subprocess.run([f"{python}/bin/ansible-playbook", "-i", "localhost,", "-e", f"ansible_python_interpreter={python}/bin/python",
                           REPOSITORY / "packaging/api/ansible" / name],
                          env={**os.environ, **settings}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    recap = [line for line in done.stdout.splitlines() if line.startswith("localhost ")][-1]
    return {word.split("=")[0]: int(word.split("=")[1]) for word in recap.split(":")[1].split()}, done.stdout


# By itself, in whatever namespace it was started: PLAYBOOK, with the rest in the environment.
if __name__ == "__main__":
    setting = os.environ
    print(run(setting["HOME"], setting["OVIRT_CAFILE"], setting["OVIRT_URL"], setting["OVIRT_PASSWORD"], sys.argv[1])[1])
