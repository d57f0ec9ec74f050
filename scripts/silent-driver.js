// Debian registers psqlODBC with a log of every process in /tmp. Tests and long measurements use a copy of the
// registration without it.
const { mkdtempSync, readFileSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

/**
 * Makes the copy for this process and those that it starts.
 * @returns {string | undefined} its folder, for the caller to remove; undefined where a registration was chosen already
 */
function silenceDriver() {
  if (process.env.ODBCSYSINI !== undefined || process.env.ODBCINSTINI !== undefined) return undefined;
  let registered;
  try {
    registered = readFileSync('/etc/odbcinst.ini', 'utf8');
  } catch {
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'pgsluice-odbc-'));
  writeFileSync(join(folder, 'odbcinst.ini'), registered.replace(/^(\s*(?:CommLog|Debug)\s*=).*$/gim, '$10'));
  process.env.ODBCSYSINI = folder;
  return folder;
}

module.exports = { silenceDriver };
