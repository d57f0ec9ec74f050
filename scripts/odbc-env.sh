# To be sourced, by any POSIX shell, from the project's folder: makes unixODBC use the driver that
# setup.sh registered for this project. Changes nothing where the system's own registration serves.
if [ -e .odbc/odbcinst.ini ]; then
  ODBCSYSINI=$PWD/.odbc
  ODBCINSTINI=odbcinst.ini
  export ODBCSYSINI ODBCINSTINI
fi
