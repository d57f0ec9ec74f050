#!/bin/sh
# DuckDB 1.5.6 casts a text to DATE by its first ten characters and ignores what follows them, so PostgreSQL's own way to
# write the Ides of March of 44 BC, '0044-03-15 BC', becomes a date 87 years later, without an error. So does every text
# that begins with a date. TRY_CAST, which is asked to find texts that are no dates, does not find them either.
# Expected: 44 BC, or an error; NULL of TRY_CAST. Seen: 44 AD.
# DuckDB 2.0.1 raises a conversion error. (It writes dates BC as '0044-03-15 (BC)', which both versions read.)
#
# Exits 0 while it is so, 1 once it has changed. Needs python3 with venv; writes into a temporary folder only.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. "$(dirname "$0")/helpers/python.sh"
install_python old duckdb==1.5.6
install_python new duckdb==2.0.1

cat >"$folder/program.py" <<'PYTHON'
import sys
import duckdb

texts = ["0044-03-15 BC", "0044-03-15 (BC)", "2024-03-15 or later"]
dates = [duckdb.execute("SELECT TRY_CAST(? AS DATE)::VARCHAR", [text]).fetchone()[0] for text in texts]
for text, date in zip(texts, dates):
    print(f"DuckDB {duckdb.__version__}: TRY_CAST('{text}' AS DATE) is {date}", file=sys.stderr)
print("|".join(str(date) for date in dates))
PYTHON

old=$("$folder/old/bin/python" "$folder/program.py")
new=$("$folder/new/bin/python" "$folder/program.py")
[ "$old" = "0044-03-15|0044-03-15 (BC)|2024-03-15" ] && [ "$new" = "None|0044-03-15 (BC)|None" ] && exit 0
echo "This is no longer as it is described here." >&2
exit 1
