"""Takes DuckDB's extension NAME out of its wheel in FOLDER, into TARGET:  unpack-extension.py FOLDER NAME TARGET"""

import pathlib
import sys
import zipfile

folder, name, target = sys.argv[1:]
file = f"{name}.duckdb_extension"
for wheel in pathlib.Path(folder).glob(f"duckdb_extension_{name}-*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            if member.endswith(f"/{file}"):
                beside = pathlib.Path(target, f"{file}.part")
                beside.write_bytes(archive.read(member))
                beside.rename(pathlib.Path(target, file))
