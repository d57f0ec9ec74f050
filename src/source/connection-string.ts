/** What a connection needs to know; structurally a part of the settings. */
export interface ConnectionTarget {
  readonly dsn: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly database: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly sslmode: string | undefined;
  readonly sslrootcert: string | undefined;
  readonly connectTimeoutSeconds: number;
}

/**
 * psqlODBC takes SERVER, PORT, DATABASE and UID literally: braces become part of the name and a `;`
 * ends it. PWD and pqopt are the two keywords whose `{…}` it decodes. So everything but the password
 * goes through pqopt, in libpq's own quoting, which can express any name.
 */
export function buildConnectionString(driver: string | undefined, target: ConnectionTarget): string {
  const parts: string[] = [];
  if (target.dsn !== undefined) parts.push(`DSN=${target.dsn}`);
  else parts.push(`DRIVER=${braced(driver ?? '')}`);
  if (target.password !== undefined) parts.push(`PWD=${braced(target.password)}`);
  if (target.sslmode !== undefined) parts.push(`SSLmode=${target.sslmode}`);
  parts.push(
    // The last digit is what the driver does on an error. The default, 2, wraps each statement in a
    // savepoint, which forbids pg_export_snapshot; 1 rolls the transaction back and so loses the snapshot;
    // with 0 it is ours to go back to our own savepoint (source/snapshot).
    'Protocol=7.4-0',
    // Text as LONGVARCHAR is fetched in pieces of any length; as VARCHAR it is cut, without an error.
    'TextAsLongVarchar=1',
    'UnknownsAsLongVarchar=1',
    'MaxVarcharSize=255',
    // Off for packed batches (one row each); the cursor path declares its cursors itself.
    'UseDeclareFetch=0',
    'ByteaAsLongVarBinary=1',
    // A data source may have it on: line feeds would arrive as carriage returns and line feeds.
    'LFConversion=0',
  );
  parts.push(`pqopt=${braced(libpqOptions(target))}`);
  return `${parts.join(';')};`;
}

function libpqOptions(target: ConnectionTarget): string {
  const options: [string, string | undefined][] = [
    // With a DSN, its own keywords name the server; psqlODBC refuses the same option twice.
    ['host', target.host],
    ['port', target.port?.toString()],
    ['dbname', target.database],
    ['user', target.username],
    ['sslrootcert', target.sslrootcert],
    ['application_name', 'pgsluice'],
    ['connect_timeout', String(target.connectTimeoutSeconds)],
    // A server that vanished without a word must not hold a thread for ever.
    ['tcp_user_timeout', '60000'],
    ['keepalives_idle', '30'],
    ['keepalives_interval', '10'],
    ['keepalives_count', '3'],
  ];
  return options
    .filter((option): option is [string, string] => option[1] !== undefined)
    .map(([name, value]) => `${name}=${libpqQuoted(value)}`)
    .join(' ');
}

/** libpq's conninfo quoting: single quotes, with backslash before quote and backslash. */
function libpqQuoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function braced(value: string): string {
  return `{${value.replaceAll('}', '}}')}}`;
}
