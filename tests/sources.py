"""Reads the sources of the house: its modules, who imports whom, who asks the world for what."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
ROOT = "slotengine"

Sources = dict[str, str]
"""Source text by module name without its leading ``slotengine.``; the root package is ``""``."""

AMBIENT = (
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today",
    "datetime.date.today", "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns",
    "time.perf_counter", "time.perf_counter_ns", "time.process_time", "time.localtime",
    "time.gmtime", "time.sleep", "os.environ", "os.getenv", "os.urandom", "os.getpid", "uuid.uuid1",
    "uuid.uuid4", "random", "secrets", "numpy.random", "locale", "socket", "pathlib.Path.home",
    "pathlib.Path.cwd",
)  # fmt: skip
"""Clock, randomness and environment: arguments in the core, never fetched."""

SEEDED = ("random.Random", "numpy.random.default_rng", "numpy.random.Generator")
"""Generators that repeat themselves; a call of them without a seed counts as ambient."""


def read_house() -> Sources:
    """Reads every module of the packages that pyproject.toml maps to folders."""
    mapping = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"][
        "package-dir"
    ]
    sources: Sources = {}
    for package, folder in mapping.items():
        for file in sorted((PROJECT / folder).rglob("*.py")):
            parts = [package, *file.relative_to(PROJECT / folder).with_suffix("").parts]
            if parts[-1] == "__init__":
                parts.pop()
            sources[".".join(parts).removeprefix(ROOT).removeprefix(".")] = file.read_text()
    return sources


class _WithoutTypes(ast.NodeTransformer):
    """Drops what is there for type checkers only."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return node.orelse
        return self.generic_visit(node)


def imports(source: str, house: Sources, *, typing: bool = True) -> Iterator[tuple[str, int]]:
    """Yields full names of the modules that a source imports, wherever in it, with the line."""
    tree: ast.AST = ast.parse(source)
    if not typing:
        tree = _WithoutTypes().visit(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                # `from slotengine import opening` opens the module, not the root.
                child = f"{node.module}.{alias.name}"
                is_module = child.removeprefix(f"{ROOT}.") in house
                yield (child if is_module else node.module or ""), node.lineno


def own(name: str) -> str | None:
    """Gives the house's short name of an imported module, or None for somebody else's."""
    if name == ROOT:
        return ""
    return name.removeprefix(f"{ROOT}.") if name.startswith(f"{ROOT}.") else None


def _dotted(node: ast.expr, names: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and (base := _dotted(node.value, names)):
        return f"{base}.{node.attr}"
    return None


def _is_ambient(name: str) -> bool:
    return name not in SEEDED and any(
        name == known or name.startswith(f"{known}.") for known in AMBIENT
    )


class _AmbientUses(ast.NodeVisitor):
    """Collects full names of clock, randomness and environment that a source uses."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.found: list[tuple[str, int]] = []

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self.names[alias.asname or top] = alias.name if alias.asname else top

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            self.names[alias.asname or alias.name] = full
            if _is_ambient(full):
                self.found.append((full, node.lineno))

    def visit_Call(self, node: ast.Call) -> None:
        name = _dotted(node.func, self.names)
        if name in SEEDED and not node.args and not node.keywords:
            self.found.append((f"{name} without a seed", node.lineno))
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        name = _dotted(node, self.names)
        if name is None:
            self.generic_visit(node)
        elif _is_ambient(name):
            self.found.append((name, node.lineno))


def ambient_uses(source: str) -> list[tuple[str, int]]:
    """Gives full names of clock, randomness and environment that a source uses, with lines."""
    tree = ast.parse(source)
    uses = _AmbientUses()
    # Imports first: a function may use a name that the file imports further down.
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            uses.visit(node)
    uses.found.clear()
    uses.visit(tree)
    return uses.found


FOLDERS = ("slotengine", "solver", "adapters", "fixtures", "tests", "benchmarks", "docs", ".ci")
TEXT = {".py", ".md", ".toml", ".csv", ".json", ".mako", ".txt", ""}
MADE_BY_TOOLS = {"__pycache__", ".hypothesis", ".pytest_cache", ".ruff_cache", ".mypy_cache"}


def text_files() -> list[Path]:
    """Gives every text that we write: the project's folders and what stands beside them."""
    inside = (file for folder in FOLDERS for file in (PROJECT / folder).rglob("*"))
    return sorted(
        file
        for file in (*inside, *PROJECT.glob("*"))
        if file.is_file() and file.suffix in TEXT and not MADE_BY_TOOLS & set(file.parts)
    )
