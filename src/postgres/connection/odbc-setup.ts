/** Finds out what unixODBC and its drivers are on this host, for people, from files and without connecting. */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

export interface DriverManager {
  /** `2.3.11`; undefined where odbcinst cannot be run. */
  readonly version: string | undefined;
  /** Paths of odbcinst.ini and odbc.ini in force, as odbcinst names them. */
  readonly files: readonly { readonly purpose: string; readonly path: string }[];
}

export function describeDriverManager(): DriverManager {
  let text: string;
  try {
    text = execFileSync('odbcinst', ['-j'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return { version: undefined, files: [] };
  }
  const files = [...text.matchAll(/^([A-Z ]+?)\.*: (\/.*)$/gm)].map((match) => ({
    purpose: (match[1] ?? '').toLowerCase(),
    path: (match[2] ?? '').trim(),
  }));
  return { version: /unixODBC (\S+)/.exec(text)?.[1], files };
}

export interface DriverDescription {
  readonly name: string;
  /** The name as registered, or the whole path where it was found. */
  readonly library: string | undefined;
  /** Whether the library is in its place; undefined where only the dynamic linker knows. */
  readonly present: boolean | undefined;
  /** Version of psqlODBC: `13.02.0000`. */
  readonly version: string | undefined;
  /** Processor it was built for, as Node names it: `x64`, `arm64`. */
  readonly architecture: string | undefined;
  /** It writes a log of every process into /tmp. */
  readonly writesLogs: boolean;
}

export function describeDriver(name: string): DriverDescription {
  const attributes = name.includes('/') ? new Map([['driver', name]]) : registration(name);
  const registered = attributes.get('driver64') ?? attributes.get('driver');
  const path = registered === undefined ? undefined : findLibrary(registered);
  return {
    name,
    library: path ?? registered,
    present: path !== undefined ? true : registered !== undefined && isAbsolute(registered) ? false : undefined,
    version: path === undefined ? undefined : driverVersion(path),
    architecture: path === undefined ? undefined : architectureOf(path),
    writesLogs: ['commlog', 'debug'].some((key) => /^[1-9]/.test(attributes.get(key) ?? '')),
  };
}

/** The driver's section of odbcinst.ini, keys in lower case. */
function registration(name: string): ReadonlyMap<string, string> {
  try {
    const text = execFileSync('odbcinst', ['-q', '-d', '-n', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const pairs = [...text.matchAll(/^\s*([^=[\]]+?)\s*=\s*(.*?)\s*$/gm)];
    return new Map(pairs.map((match) => [(match[1] ?? '').toLowerCase(), match[2] ?? '']));
  } catch {
    return new Map();
  }
}

/** Places where a bare name is usually found; the dynamic linker may know further ones. */
const LIBRARY_FOLDERS = [
  '/usr/lib/x86_64-linux-gnu/odbc',
  '/usr/lib/aarch64-linux-gnu/odbc',
  '/usr/lib64',
  '/usr/lib',
  '/usr/local/lib',
  '/opt/homebrew/lib',
];

function findLibrary(registered: string): string | undefined {
  if (isAbsolute(registered)) return existsSync(registered) ? registered : undefined;
  const extra = (process.env['LD_LIBRARY_PATH'] ?? '').split(':').filter((folder) => folder !== '');
  return [...extra, ...LIBRARY_FOLDERS].map((folder) => join(folder, registered)).find((path) => existsSync(path));
}

/** The library holds its version as text; an older constant of the same form stands beside it. */
function driverVersion(path: string): string | undefined {
  const versions = readFileSync(path, 'latin1').match(/\b\d\d\.\d\d\.\d{4}\b/g) ?? [];
  return [...versions].sort().at(-1);
}

/** Read from the header of an ELF or Mach-O file (ELF specification; mach-o/loader.h). */
function architectureOf(path: string): string | undefined {
  const header = Buffer.alloc(20);
  const file = openSync(path, 'r');
  try {
    readSync(file, header, 0, header.length, 0);
  } finally {
    closeSync(file);
  }
  if (header.toString('latin1', 0, 4) === '\x7fELF') {
    const names: Readonly<Record<number, string>> = {
      0x3e: 'x64',
      0xb7: 'arm64',
      0x03: 'ia32',
      0x28: 'arm',
      0x15: 'ppc64',
    };
    const bigEndian = header[5] === 2;
    return names[bigEndian ? header.readUInt16BE(18) : header.readUInt16LE(18)];
  }
  if (header.readUInt32LE(0) === 0xfeedfacf) {
    const names: Readonly<Record<number, string>> = { 0x01000007: 'x64', 0x0100000c: 'arm64' };
    return names[header.readUInt32LE(4)];
  }
  return undefined;
}
