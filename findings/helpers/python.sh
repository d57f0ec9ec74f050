# To be sourced by the scripts that need Python: makes environments with pinned packages in $folder.
#   install_python NAME PACKAGE…      The interpreter is then $folder/NAME/bin/python; it finds the modules beside this file.
export PYTHONPATH="$(dirname "$0")/helpers" PYTHONDONTWRITEBYTECODE=1

install_python() {
  environment="$folder/$1"
  shift
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check "$@"
}
