// Puts the compiled command line and the packages that every sync loads into one file, dist/bin/bundle.js: see
// src/bin/pgsluice.ts.
const { createHash } = require('node:crypto');
const { readFileSync, readdirSync, writeFileSync } = require('node:fs');
const { basename, dirname, join, relative, sep } = require('node:path');
const esbuild = require('esbuild');

/** Only some commands load these, with files of their own, or the shims below do. */
const EXTERNAL = ['@grpc/*', '@opentelemetry/*', 'grpc-health-check', 'prom-client', 'uplot', '*.node'];

/** @param {string} dist the folder with the compiler's output */
async function bundle(dist) {
  const { outputFiles, metafile } = await esbuild.build({
    // Paths in the bundle are relative to it, so that they do not change from build to build.
    absWorkingDir: dist,
    entryPoints: [join(dist, 'cli', 'main.js')],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    charset: 'ascii',
    legalComments: 'none',
    logLevel: 'warning',
    external: EXTERNAL,
    alias: {
      // Its main file is UMD, whose require() cannot be followed.
      'jsonc-parser': 'jsonc-parser/lib/esm/main.js',
      '@mapbox/node-pre-gyp': join(__dirname, 'odbc-binding.js'),
      '@duckdb/node-bindings': join(__dirname, 'duckdb-bindings.js'),
    },
    plugins: [ownFolders(dist)],
  });
  const text = outputFiles[0]?.text;
  if (text === undefined) throw new Error('esbuild wrote nothing.');
  const code = `(function (exports, require, module, __filename, __dirname, importModule) {${withoutShebang(text)}\n})`;
  const digest = createHash('sha256').update(code).digest('hex');
  const target = join(dist, 'bin');
  writeFileSync(join(target, 'bundle.js'), `//${digest}\n${code}\n`);
  writeFileSync(
    join(target, 'bundle-licenses.txt'),
    licenses(Object.keys(metafile.inputs).map((file) => join(dist, file))),
  );
}

/**
 * Lets our files find what lies beside them as they do without a bundle, and import modules through src/bin. V8 does
 * not know where the import() of a script from its cache should go.
 * @param {string} dist
 * @returns {import('esbuild').Plugin}
 */
function ownFolders(dist) {
  return {
    name: 'own-folders',
    setup(build) {
      build.onLoad({ filter: /\.js$/ }, ({ path }) => {
        if (!path.startsWith(dist + sep)) return undefined;
        const text = readFileSync(path, 'utf8');
        const folder = relative(join(dist, 'bin'), dirname(path)).split(sep).join('/');
        const contents = text
          .replaceAll('__dirname', `(__dirname + ${JSON.stringify(`/${folder}`)})`)
          .replaceAll(/\bimport\(/g, 'importModule(');
        return { contents, loader: 'js' };
      });
    },
  };
}

/** @param {string} text */
function withoutShebang(text) {
  return text.replace(/^#!.*\n/, '');
}

/**
 * Gathers the licences of the packages whose code is in the bundle.
 * @param {string[]} files
 */
function licenses(files) {
  const folders = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^./][^/]*/.exec(file)?.[0] ?? []));
  const entries = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((it) => /^(licen[cs]e|copying)/i.test(basename(it)));
    const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
    return `${name} ${version}, ${license}\n${text}`;
  });
  return `bundle.js holds code of these packages.\n\n${entries.join('\n----\n\n')}`;
}

module.exports = { bundle };
