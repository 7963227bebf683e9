"""The rooms of the house and the direction of every arrow between them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import spondyl

SOURCE = Path(spondyl.__file__).parent
ROOMS = "data learn measure explain trust reading report review web bench"
ORDER = tuple(ROOMS.split())
GROUND = {"errors", "files", "progress", "engines"}
TOP = {"terminal", "demo", "commands", "cli", "__main__"}


def modules():
    return sorted(SOURCE.rglob("*.py"))


def room(module: str) -> int:
    """Ground is 0, rooms count upwards, the command line is last."""
    parts = module.split(".")
    assert parts[0] == "spondyl"
    if len(parts) == 1:
        return len(ORDER) + 2
    if parts[1] in GROUND:
        return 0
    return len(ORDER) + 1 if parts[1] in TOP else 1 + ORDER.index(parts[1])


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(path: Path):
    for name in imports_of(path):
        parts = name.split(".")
        target = SOURCE.joinpath(*parts[1:])
        if parts[0] == "spondyl" and (target.is_dir() or target.with_suffix(".py").is_file()):
            yield name


def test_no_module_imports_from_a_room_above_its_own():
    upward = [
        f"{name_of(path)} imports {name}"
        for path in modules()
        if path != SOURCE / "__init__.py"
        for name in ours(path)
        if name != "spondyl" and room(name) > room(name_of(path))
    ]
    assert upward == []


def test_an_arrow_that_points_up_would_be_seen():
    assert room("spondyl.learn.study") > room("spondyl.data.cohort") > room("spondyl.errors")
    assert room("spondyl.cli") > room("spondyl.bench.cam") > room("spondyl.web.app")
    assert room("spondyl.web.app") > room("spondyl.report.pages")


def test_init_files_below_the_root_are_empty():
    assert [p for p in SOURCE.glob("*/**/__init__.py") if p.read_text(encoding="utf-8")] == []


def test_the_web_and_the_review_room_never_import_torch():
    for path in (*SOURCE.glob("web/**/*.py"), *SOURCE.glob("review/**/*.py")):
        assert not any(name.split(".")[0] == "torch" for name in imports_of(path)), path


def test_only_files_of_readable_length():
    long = {
        name_of(path): n
        for path in modules()
        if (n := len(path.read_text(encoding="utf-8").splitlines())) > 330
    }
    assert long == {}


def test_helping_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['spondyl', '--help']\n"
        "from spondyl.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'matplotlib', 'sklearn', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_package_can_be_run_by_its_name():
    words = [sys.executable, "-m", "spondyl"]
    done = subprocess.run([*words, "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, "Usage: spondyl" in done.stdout) == (0, True), done.stderr
    refused = subprocess.run([*words, "nonsense"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "nonsense" in refused.stderr


def test_importing_what_studies_and_reads_brings_no_compiler_and_no_library_of_networks():
    """They come where a network is built or trained: Fabric and torchvision bring the compiler."""
    code = (
        "import sys, spondyl.report.whole, spondyl.reading.reading\n"
        "from spondyl.learn.fabrics import fabric_on\n"
        "on = fabric_on('cpu')\n"
        "assert (on.device.type, on.world_size, on.broadcast([1])) == ('cpu', 1, [1])\n"
        "slow = {'torch._dynamo', 'lightning_fabric', 'timm', 'torchvision'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", spondyl.__all__)
def test_every_public_name_is_there(name):
    assert callable(getattr(spondyl, name))


def test_importing_the_package_loads_nothing_else():
    code = "import sys, spondyl; assert not [m for m in sys.modules if m.startswith('spondyl.')]"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_name_that_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        spondyl.nonsense  # noqa: B018
