#!/usr/bin/env node
/**
 * The command line from one file, with V8's code cache: finding, reading and compiling some 400 modules takes
 * more than 0.1 s, at every start from cron.
 *
 * scripts/bundle makes the file, scripts/code-cache.js the cache, on the machine that it is for. Without the cache,
 * or with one of another Node, V8 compiles what it needs.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';

type ModuleFunction = (
  exports: unknown,
  require: NodeJS.Require,
  module: NodeJS.Module,
  file: string,
  folder: string,
  importModule: (specifier: string) => Promise<unknown>,
) => void;

const BUNDLE = join(__dirname, 'bundle.js');
export const CODE_CACHE = join(__dirname, '..', '..', 'build', 'bundle.cache');
/** Bundle and cache begin with the bundle's SHA-256 in hexadecimal, as V8 itself compares lengths only. */
const DIGEST_LENGTH = 64;

/** The compiled bundle. Throws where there is none. */
export function compile(): { readonly script: Script; readonly digest: string } {
  // The bundle is ASCII: this takes half the memory of UTF-8.
  const source = readFileSync(BUNDLE, 'latin1');
  const digest = source.slice('//'.length, '//'.length + DIGEST_LENGTH);
  const cachedData = codeCache(digest);
  const script = new Script(source, {
    filename: BUNDLE,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  return { script, digest };
}

function codeCache(digest: string): Buffer | undefined {
  try {
    const cache = readFileSync(CODE_CACHE);
    return cache.toString('latin1', 0, DIGEST_LENGTH) === digest ? cache.subarray(DIGEST_LENGTH) : undefined;
  } catch {
    return undefined;
  }
}

/** Starts the command of process.argv. */
export function run(script: Script): void {
  (script.runInThisContext() as ModuleFunction)(
    exports,
    require,
    module,
    BUNDLE,
    __dirname,
    (specifier) => import(specifier),
  );
}

if (require.main === module) run(compile().script);
