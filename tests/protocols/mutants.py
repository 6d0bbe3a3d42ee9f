"""Do the tests notice a changed rule? `python -m tests.protocols.mutants [SAMPLE|all] [SEED] [MODULE ...]`.

Changes one comparison, number, sign or word of the rules at a time, in memory, and runs the tests on it in a process of
its own: first the worked cases without ceremony, then the two files that noticed most in this module so far, then the
others, until one fails. A change that no test notices is printed; the last line is the score. The tree is not touched,
chance is fixed, one core is used.
"""

import ast
import copy
import importlib.abc
import importlib.util
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "mhac.protocols"
FOLDER = ROOT / "mhac" / "protocols"
TESTS = Path(__file__).parent
# Tests that start processes or compare pages add time and notice nothing that the others do not.
LEFT_OUT = {"test_describe.py", "test_rehearsal.py", "test_assess_command.py", "test_bad_lines.py", "test_start.py"}
# Slower still, and the properties look at the same days.
LEFT_OUT |= {"test_birthdays.py"}
# Data, reading and printing: held by the refusals and the cases; their strings would only change sentences.
NOT_MUTATED = {"__init__.py", "__main__.py", "describe.py", "vocabulary.py", "rehearsal.py", "toml_lines.py"}
LONGEST_SECONDS = 600
CASES = "test_cases.py"
SWAPS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
}


def sites(tree):
    """Every place that can be changed: its index in the walk, and which part of it."""
    skipped = set()
    for index, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.Expr | ast.JoinedStr | ast.AnnAssign) or (
            isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        ):
            skipped |= {id(inside) for inside in ast.walk(node.annotation if isinstance(node, ast.AnnAssign) else node)}
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            skipped |= {id(inside) for decorator in node.decorator_list for inside in ast.walk(decorator)}
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Compare):
            yield from ((index, part) for part, op in enumerate(node.ops) if type(op) in SWAPS)
        elif (
            (isinstance(node, ast.BoolOp | ast.BinOp | ast.AugAssign) and type(node.op) in SWAPS)
            or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))
            or (isinstance(node, ast.Constant) and isinstance(node.value, bool | int | str) and node.value != "")
        ):
            yield index, 0


def another(value):
    """Another value of the same kind; a number written as text becomes another number."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return f"{value}1" if value.lstrip("-").replace(".", "", 1).isdigit() else f"{value}_"


def change(tree, site):
    """The tree with one change, and what was changed."""
    index, part = site
    made = copy.deepcopy(tree)
    node = list(ast.walk(made))[index]
    before = ast.unparse(node)
    if isinstance(node, ast.Compare):
        node.ops[part] = SWAPS[type(node.ops[part])]()
    elif isinstance(node, ast.UnaryOp):
        node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant):
        node.value = another(node.value)
    else:
        node.op = SWAPS[type(node.op)]()
    return ast.fix_missing_locations(made), f"{node.lineno}: {before}  ->  {ast.unparse(node)}"


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module of the package from a changed tree, the others as they are."""

    def __init__(self, name, tree):
        self.name, self.tree = name, tree

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        where = FOLDER / f"{name.rpartition('.')[2]}.py"
        return importlib.util.spec_from_file_location(name, where, loader=self)

    def exec_module(self, module):
        exec(compile(self.tree, module.__spec__.origin, "exec"), module.__dict__)


def run(files, cases, name, tree):
    """In a child process: the file that notices the change, None when none does."""
    import pytest

    if name is not None:
        sys.meta_path.insert(0, Changed(f"{PACKAGE}.{name}", tree))
        place = case_that_fails(cases)
        if place is not None:
            return f"{CASES} {place}"
    quietly = ["-x", "-q", "--tb=no", "--assert=plain", "--import-mode=importlib", "--noconftest", "-W", "ignore"]
    without = ["-p", "no:django", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
    options = [*quietly, *without, "-c", os.devnull, "--rootdir", str(ROOT)]
    first, rest = files[:2], files[2:]
    for chosen in (first, rest):
        failed = Failed(chosen)
        status = pytest.main([*options, *(str(TESTS / file) for file in chosen)], plugins=[failed])
        if status != pytest.ExitCode.OK:
            return failed.file
    return None


def case_that_fails(cases):
    """What `test_every_case_holds` asks, without the time that pytest needs to begin: the place of the first failure."""
    place = 0
    try:
        from mhac.protocols.programme import read_programmes
        from mhac.protocols.rehearsal import answer_line
        from tests.protocols.compare import compare

        programmes = read_programmes()
        for place, line, expected in cases:
            if compare(expected, answer_line(line, programmes)):
                return place
    except Exception:
        return place
    return None


def worked_cases():
    """Each case: its place, its line, what is expected."""
    lines = [
        line
        for name in ("open.jsonl", "open_unverified.jsonl")
        for line in (TESTS / name).read_text(encoding="utf-8").splitlines()
    ]
    read = [(json.loads(line), json.loads(line, parse_float=Decimal)) for line in lines]
    return [(place, json.dumps(plain["case"]), exact["expect"]) for place, (plain, exact) in enumerate(read)]


class Failed:
    """Remembers the file of the first failure; a file that cannot even be read counts for itself."""

    def __init__(self, files):
        self.file = files[0]

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.file = Path(report.location[0]).name

    def pytest_collectreport(self, report):
        if report.failed and report.nodeid.endswith(".py"):
            self.file = Path(report.nodeid).name


def noticed_by(files, cases=(), name=None, tree=None):
    """The file that notices a change (and which case), None when none does. A change that never ends is noticed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(LONGEST_SECONDS)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        told = files[0]
        try:
            told = run(files, cases, name, tree) or ""
        finally:
            os.write(writing, told.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        told = answer.read().decode()
    _, status = os.waitpid(child, 0)
    return files[0] if status else told or None


def prepare():
    """What every child would import again: the tools, none of the rules."""
    import hypothesis
    import hypothesis.strategies
    import pytest  # noqa: F401 - imported once, for all children

    hypothesis.settings.register_profile("fixed", derandomize=True, database=None)
    hypothesis.settings.load_profile("fixed")
    sys.path.insert(0, str(ROOT))


def main(arguments):
    wanted, seed = (arguments[0] if arguments else "100"), (int(arguments[1]) if len(arguments) > 1 else 1)
    chosen = set(arguments[2:])
    modules = [
        path
        for path in sorted(FOLDER.glob("*.py"))
        if path.name not in NOT_MUTATED and (not chosen or path.stem in chosen)
    ]
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in modules}
    every = [(path, site) for path, tree in trees.items() for site in sites(tree)]
    number = len(every) if wanted == "all" else min(int(wanted), len(every))
    picked = sorted(random.Random(seed).sample(every, number), key=lambda each: (each[0], each[1]))
    prepare()
    files = sorted(path.name for path in TESTS.glob("test_*.py") if path.name not in LEFT_OUT)
    begun = time.monotonic()
    if failing := noticed_by(files):
        print(f"{failing} fails on the unchanged rules. Mend it first.")
        return 2
    kills = {path: Counter({f"test_{path.stem}.py": 1}) for path in modules}
    unnoticed, cases = Counter(), worked_cases()
    before = None
    for number, (path, site) in enumerate(picked):
        if path != before:
            print(f"{number:5} of {len(picked)}: {path.name}", file=sys.stderr, flush=True)
            before = path
        made, what = change(trees[path], site)
        best = [file for file, _ in kills[path].most_common() if file in files and file != CASES]
        ordered = [*best, *(file for file in files if file not in best)]
        told = noticed_by(ordered, cases, path.stem, made)
        if told is None:
            unnoticed[path.name] += 1
            print(f"not noticed: {path.name}:{what}", flush=True)
        elif told.startswith(CASES):
            place = int(told.partition(" ")[2] or 0)
            cases.sort(key=lambda case: case[0] != place)
        else:
            kills[path][told] += 1
    for path in modules:
        of_module = sum(each[0] == path for each in picked)
        print(f"{path.name:22} {of_module - unnoticed[path.name]:4} of {of_module:4}")
    missed = unnoticed.total()
    share = 100 * (len(picked) - missed) / max(len(picked), 1)
    print(
        f"{len(picked) - missed} of {len(picked)} changes noticed ({share:.1f} %), of {len(every)} possible, "
        f"in {(time.monotonic() - begun) / 60:.0f} minutes",
        flush=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
