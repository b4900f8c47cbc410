"""The local channel's stand-in for conda: answers what conda-meta knows, and refuses everything else."""

import json
import re
import sys
from pathlib import Path

NOTICE = "This is the local test channel's stand-in for conda; the real conda isn't installed."


def _records(prefix):
    files = sorted((prefix / "conda-meta").glob("*.json"))
    return sorted((json.loads(path.read_bytes()) for path in files), key=lambda record: record["name"])


def _channel(record):
    return str(record.get("channel", "")).rstrip("/").rsplit("/", 1)[-1]


def _version(prefix):
    return next((record["version"] for record in _records(prefix) if record["name"] == "conda"), "unknown")


def _info(prefix, as_json):
    python = ".".join(map(str, sys.version_info[:3])) + ".final.0"
    facts = {
        "active_prefix": str(prefix),
        "conda_version": _version(prefix),
        "default_prefix": str(prefix),
        "envs": [str(prefix)],
        "platform": "linux-64",
        "python_version": python,
        "root_prefix": str(prefix),
        "standin": NOTICE,
    }
    if as_json:
        print(json.dumps(facts, indent=2))
    else:
        for key, value in facts.items():
            print(f"{key.replace('_', ' '):>20} : {value}")
    return 0


def _list(prefix, options, pattern):
    records = [record for record in _records(prefix) if re.search(pattern, record["name"])]
    if "--json" in options:
        keys = ("name", "version", "build_number", "channel", "url", "sha256", "md5")
        shown = [
            {
                **{key: record.get(key) for key in keys},
                "build_string": record["build"],
                "dist_name": f"{record['name']}-{record['version']}-{record['build']}",
                "platform": record.get("subdir"),
            }
            for record in records
        ]
        print(json.dumps(shown, indent=2))
    elif "--explicit" in options:
        print("@EXPLICIT")
        for record in records:
            print(record["url"] + (f"#{record['sha256']}" if "--sha256" in options else ""))
    else:
        print(f"# packages in environment at {prefix}:\n#")
        print(f"# {'Name':<32} {'Version':<18} {'Build':<24} Channel")
        for record in records:
            print(f"{record['name']:<34} {record['version']:<18} {record['build']:<24} {_channel(record)}")
    return 0


def main(arguments):
    prefix = Path(sys.prefix)
    options = [word for word in arguments if word.startswith("-")]
    words = [word for word in arguments if not word.startswith("-")]
    if arguments in (["--version"], ["-V"]):
        print(f"conda {_version(prefix)}")
        return 0
    if words == ["info"] and set(options) <= {"--json"}:
        return _info(prefix, bool(options))
    if words[:1] == ["list"] and len(words) <= 2 and set(options) <= {"--json", "--explicit", "--sha256"}:
        return _list(prefix, options, words[1] if len(words) > 1 else "")
    print(f"{NOTICE} It can do: --version, info [--json], list [--json | --explicit] [REGEX].", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
