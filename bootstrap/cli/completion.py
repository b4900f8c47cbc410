"""``bootstrap completion``: a script that completes the command line in a shell, made from its grammar."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

from bootstrap.cli.command import add_command
from bootstrap.console import print_json
from bootstrap.errors import every_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bootstrap.cli.command import Commands

_DESCRIPTION = """\
Print a shell script that completes commands, options and their values. The script starts no program, so Tab responds
at once.
"""
_EPILOG = """\
examples:
  eval "$(bootstrap completion bash)"                              this shell; in ~/.bashrc for all
  eval "$(bootstrap completion zsh)"                               the same in ~/.zshrc
  bootstrap completion fish > ~/.config/fish/completions/bootstrap.fish
"""
_BASH = """\
_bootstrap() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= words= i
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == -* ]] || { command=${COMP_WORDS[i]}; break; }
    done
    COMPREPLY=()
    case "$command $prev" in
@VALUES@
    esac
    case "$command" in
@WORDS@
    esac
    if [[ -z $command || $cur == -* || $words != -* ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$cur"))
    else
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _bootstrap bootstrap
"""


def register(commands: Commands) -> None:
    """Adds the command."""
    command = add_command(commands, "completion", _run, description=_DESCRIPTION, epilog=_EPILOG)
    command.add_argument("shell", choices=["bash", "zsh", "fish"], help="bash, zsh or fish")


def _run(args: argparse.Namespace) -> int:
    commands = next(a for a in args.grammar()._actions if isinstance(a, argparse._SubParsersAction)).choices
    text = script(args.shell, commands)
    if args.json:
        print_json({"shell": args.shell, "script": text})
    else:
        print(text, end="")
    return 0


def script(shell: str, commands: Mapping[str, argparse.ArgumentParser]) -> str:
    """The script for a shell.

    Args:
        shell: ``bash``, ``zsh`` or ``fish``.
        commands: Every command's grammar.
    """
    if shell == "fish":
        return "\n".join(_fish(commands)) + "\n"
    values, words = [], [f'        "") words="{" ".join(commands)} --help --version" ;;']
    for name, command in commands.items():
        for action in command._actions:
            if action.option_strings and action.nargs != 0:
                pattern = "|".join(f'"{name} {option}"' for option in action.option_strings)
                values.append(f'        {pattern}) COMPREPLY=($(compgen {_wanted(action)} -- "$cur")); return ;;')
        options = " ".join(option for action in command._actions for option in action.option_strings)
        places = " ".join(_places(name, command))
        words.append(f'        {name}) [[ $cur == -* ]] && words="{options}" || words="{places or "-"}" ;;')
    text = _BASH.replace("@VALUES@", "\n".join(values)).replace("@WORDS@", "\n".join(words))
    return f"autoload -U +X bashcompinit && bashcompinit\n{text}" if shell == "zsh" else text


def _wanted(action: argparse.Action) -> str:
    """What compgen offers as an option's value."""
    if action.choices:
        return f'-W "{" ".join(map(str, action.choices))}"'
    return {"DIR": "-d", "FILE": "-f", "EXECUTABLE": "-f"}.get(str(action.metavar), '-W ""')


def _places(name: str, command: argparse.ArgumentParser) -> list[str]:
    """What may stand in a command's own place; nothing where that is a file."""
    if name == "explain":
        return [kind.error_id() for kind in every_error()]
    return [str(choice) for a in command._actions if not a.option_strings for choice in a.choices or ()]


def _fish(commands: Mapping[str, argparse.ArgumentParser]) -> Iterator[str]:
    yield "complete -c bootstrap -f -n __fish_use_subcommand -s h -l help"
    for name, command in commands.items():
        first = (command.description or "").strip().split("\n\n")[0].split(". ")[0].replace("\n", " ")
        yield f"complete -c bootstrap -f -n __fish_use_subcommand -a {name} -d {shlex.quote(first)}"
        here = f'-n "__fish_seen_subcommand_from {name}"'
        places = _places(name, command)
        if places:
            yield f"complete -c bootstrap -f {here} -a {shlex.quote(' '.join(places))}"
        for action in command._actions:
            if not action.option_strings:
                continue
            names = [f"-s {o[1:]}" if len(o) == 2 else f"-l {o[2:]}" for o in action.option_strings]
            value = f" -x -a {shlex.quote(' '.join(map(str, action.choices)))}" if action.choices else " -r"
            told = (action.help or "").split(" [")[0] % {**vars(action), "prog": command.prog}
            yield (
                f"complete -c bootstrap {here} {' '.join(names)}{'' if action.nargs == 0 else value} "
                f"-d {shlex.quote(told)}"
            )
