from __future__ import annotations

from bootstrap.maintain.solver_reasons import explain

LEAF = ", which conflicts with the versions reported above."


def test_the_bounds_that_take_part_are_shown_with_the_reason() -> None:
    tree = ["pandas * cannot be installed", "└─ pandas 2.2 would require", "   └─ numpy <2.1"]
    text = "Cannot solve the request because of: " + "\n".join(tree) + "\n\n"
    specs = ("numpy >=2.3", "pandas", "scipy >=1")
    assert explain(text, specs) == ["requested: numpy >=2.3", *tree]


def test_builds_with_one_reason_become_one_line() -> None:
    text = "\n".join(
        [
            "Cannot solve the request because of: The following packages are incompatible",
            "├─ python 3.13.* cannot be installed because there are no viable options:",
            f"│  ├─ python 3.13.2{LEAF}",
            f"│  ├─ python 3.13.1{LEAF}",
            f"│  ├─ python 3.13.1{LEAF}",
            f"│  ├─ python 3.13.0{LEAF}",
            f"│  └─ python 3.13.0rc1{LEAF}",
            "└─ libblas * *openblas cannot be installed because there are no viable options:",
            f"   ├─ libblas 3.9{LEAF}",
            f"   └─ libblas 3.9{LEAF}",
        ]
    )
    assert explain(text, ("python 3.13.*", "libblas * *openblas", "tqdm >=4")) == [
        "requested: python 3.13.*, libblas * *openblas",
        "The following packages are incompatible",
        "├─ python 3.13.* cannot be installed because there are no viable options:",
        "│  └─ python 3.13.2, 3.13.1 and 2 more versions, which conflict with the versions reported above.",
        "└─ libblas * *openblas cannot be installed because there are no viable options:",
        "   └─ libblas 3.9, which conflict with the versions reported above.",
    ]


def test_other_packages_depths_and_reasons_stay_apart() -> None:
    tree = [
        f"├─ a 1.0{LEAF}",
        f"├─ b 1.0{LEAF}",
        f"│  ├─ b 1.1{LEAF}",
        "├─ b 1.2, which conflicts with any installable versions previously reported",
        "└─ b 1.3 would require",
        "   └─ c *, for which no candidates were found.",
    ]
    assert explain("\n".join(tree), ()) == tree


def test_a_few_versions_are_all_named() -> None:
    text = "\n".join(f"├─ a {version}{LEAF}" for version in ("1.3", "1.2", "1.1"))
    assert explain(text, ()) == ["├─ a 1.3, 1.2, 1.1, which conflict with the versions reported above."]
