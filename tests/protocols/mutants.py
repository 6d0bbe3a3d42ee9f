"""Do the tests notice a changed rule? `python -m tests.protocols.mutants [SAMPLE] [SEED] [MODULE ...]`.

Changes one comparison, number, sign or word of the rules at a time in a copy of the package and runs the tests on the
copy. A change that no test notices is printed; the last line is the score. Uses one core and the real tree is not
touched.
"""

import ast
import copy
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = Path("mhac") / "protocols"
# Tests that start processes or compare pages add time and notice nothing that the others do not.
LEFT_OUT = {"test_describe.py", "test_rehearsal.py", "test_assess_command.py"}
# Data, reading and printing: held by the refusals and the cases; their strings would only change sentences.
NOT_MUTATED = {"__init__.py", "__main__.py", "describe.py", "vocabulary.py", "rehearsal.py", "toml_lines.py"}
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
        value = node.value
        node.value = another(value)
    else:
        node.op = SWAPS[type(node.op)]()
    return made, f"line {node.lineno}: {before}  ->  {ast.unparse(node)}"


def noticed(copy_of_root):
    """Whether a test fails on the copy."""
    tests = sorted(path for path in (ROOT / "tests" / "protocols").glob("test_*.py") if path.name not in LEFT_OUT)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-c",
        "none.ini",
        "--rootdir",
        ".",
        "--import-mode=importlib",
    ]
    command += ["-p", "no:django", "-p", "no:cacheprovider", "--noconftest", "-W", "ignore"]
    command += [f"tests/protocols/{path.name}" for path in tests]
    done = subprocess.run(command, cwd=copy_of_root, capture_output=True, check=False, timeout=300)
    if done.returncode not in (0, 1, 2):
        raise RuntimeError(done.stdout.decode()[-2000:] + done.stderr.decode()[-2000:])
    return done.returncode != 0


def main(arguments):
    sample, seed = (int(arguments[0]) if arguments else 100), (int(arguments[1]) if len(arguments) > 1 else 1)
    chosen = set(arguments[2:])
    modules = [
        path
        for path in sorted((ROOT / PACKAGE).glob("*.py"))
        if path.name not in NOT_MUTATED and (not chosen or path.stem in chosen)
    ]
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in modules}
    every = [(path, site) for path, tree in trees.items() for site in sites(tree)]
    picked = random.Random(seed).sample(every, min(sample, len(every)))
    unnoticed = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(ROOT / PACKAGE, root / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "tests" / "protocols", root / "tests" / "protocols")
        for package in (root / "mhac", root / "tests"):
            (package / "__init__.py").touch()
        (root / "none.ini").write_text("[pytest]\n")
        if noticed(root):
            print("The tests fail on the unchanged rules. Mend them first.")
            return 2
        for path, site in sorted(picked, key=lambda each: (each[0], each[1])):
            made, what = change(trees[path], site)
            target = root / PACKAGE / path.name
            target.write_text(ast.unparse(made), encoding="utf-8")
            if not noticed(root):
                unnoticed += 1
                print(f"not noticed: {path.name}, {what}", flush=True)
            shutil.copy(path, target)
    print(f"{len(picked) - unnoticed} of {len(picked)} changes noticed, of {len(every)} possible", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
