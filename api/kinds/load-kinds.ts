/** Kinds of an operator's own, from the folder that KINDS_DIR names. */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { createJiti, type Jiti } from 'jiti';
import * as xstate from 'xstate';
import * as zod from 'zod';
import { type AnyKind, EngineError, messageOf, SoloTwin } from '../../engine/index.ts';
import * as authoring from '../../engine/kind.ts';
import * as defineKind from '../../engine/kind.ts';
import { builtInKinds } from './built-in.ts';
import { kindModulesIn } from './kind-modules.ts';

export interface CustomKind {
  kind: AnyKind;
  /** The file, below the folder. */
  file: string;
}

export interface LoadedKinds {
  /** Those that come with Homeostat, then the operator's. */
  all: readonly AnyKind[];
  custom: readonly CustomKind[];
  /** What an operator may have meant otherwise, though nothing is wrong with it. */
  warnings: readonly string[];
}

/** Whatever modules import under these names is the server's own copy, wherever they lie. */
const SERVERS_OWN = { 'homeostat/kind': authoring, xstate, zod, 'zod/v4': zod };

const MAX_CHARACTERS = 600;

/**
 * The kinds that come with Homeostat, and those of a folder, whose code runs here and now.
 * @param folder null: none
 * @throws EngineError `kind-invalid` with all that is wrong, by file
 */
export async function loadKinds(folder: string | null): Promise<LoadedKinds> {
  if (folder === null) return { all: builtInKinds, custom: [], warnings: [] };
  const { files, doorless } = kindModulesIn(folder);
  // As the modules will be named in their errors
  const root = realpathSync(folder);
  const jiti = createJiti(join(root, 'kinds'), {
    virtualModules: SERVERS_OWN,
    // Its cache would be a folder of /tmp, in which others of the host might put code of theirs
    fsCache: false,
  });
  const loaded: Loaded[] = [];
  // One after the other: what two of them import is whole when the second asks for it
  for (const file of files) loaded.push(await kindsOf(jiti, root, file));
  const found = loaded.flatMap(({ kinds }) => kinds);
  const custom = found.filter(({ kind }, at) => found.findIndex((one) => one.kind === kind) === at);
  const problems = loaded.flatMap(({ problem }) => problem ?? []);
  for (const [at, { kind, file }] of custom.entries()) {
    const problem = clashOf(kind, custom.slice(0, at)) ?? stillbirthOf(kind);
    if (problem !== null) problems.push(`${file}: ${problem}`);
  }
  if (problems.length > 0) {
    const list = problems.map((problem) => `  - ${problem.replaceAll('\n', '\n    ')}`).join('\n');
    throw new EngineError('kind-invalid', `The kinds in ${folder} cannot be used:\n${list}`, {
      hint: 'Mend them, or take them out of KINDS_DIR; docs/kinds.md says what a kind may do. Nothing has been started.',
    });
  }
  const warnings = doorless.map(
    (name) =>
      `nothing is loaded from ${name}/: it has no index.ts and no ${name}.ts (a name that begins with "_" says that this is meant)`,
  );
  if (custom.length === 0) warnings.push(`there is no kind in ${folder}, which KINDS_DIR names`);
  return { all: [...builtInKinds, ...custom.map(({ kind }) => kind)], custom, warnings };
}

interface Loaded {
  kinds: CustomKind[];
  problem: string | null;
}

async function kindsOf(jiti: Jiti, folder: string, file: string): Promise<Loaded> {
  let exported: unknown[];
  try {
    exported = Object.values(await jiti.import<Record<string, unknown>>(join(folder, file)));
  } catch (error) {
    return { kinds: [], problem: `${file}: ${reasonOf(error, folder, file)}` };
  }
  const kinds = new Set(exported.flat().filter(defineKind.isKind));
  if (kinds.size > 0) return { kinds: [...kinds].map((kind) => ({ kind, file })), problem: null };
  const problem = `${file}: exports no kind. Export what defineKind() returns, or let its name begin with "_" if it is none`;
  return { kinds: [], problem };
}

/** Why a module does not load, in words of its author: the cause, and where in the folder. */
function reasonOf(error: unknown, folder: string, file: string): string {
  const short = (text: string) =>
    text.replaceAll(`file://${folder}/`, '').replaceAll(`${folder}/`, '').slice(0, MAX_CHARACTERS);
  // Written as a list already, with the kind's name
  if (error instanceof EngineError) return short(error.message);
  const [first = '', second = '', third = ''] = messageOf(error)
    .split('\n')
    .map((line) => line.trim());
  const isMissing = error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND';
  if (isMissing) {
    // Of what it imports one may import what is missing
    const importer = short(third.replace(/^- /, ''));
    const by = importer === '' || importer === file ? '' : ` (imported by ${importer})`;
    return `${short(first)}${by}. It may import homeostat/kind, xstate, zod and files beside it; anything else must be installed beside it`;
  }
  const place = second.startsWith(folder) ? second : placeIn(folder, error);
  const name = error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : '';
  return `does not load: ${name}${short(first)}${place === null ? '' : ` (${short(place)})`}`;
}

/** The topmost line of the author's in the stack, `file:line`; columns are those of the translation. */
function placeIn(folder: string, error: unknown): string | null {
  const { stack = '' } = error instanceof Error ? error : {};
  for (const line of stack.split('\n')) {
    const at = line.indexOf(`${folder}/`);
    const found = at === -1 ? null : /^(.+?:\d+)(:\d+)?\)?$/.exec(line.slice(at));
    if (found) return found[1] ?? null;
  }
  return null;
}

function clashOf({ kind: name }: AnyKind, before: readonly CustomKind[]): string | null {
  const choose = 'Choose another name; stored twins hold the name of their kind';
  if (builtInKinds.some(({ kind }) => kind === name)) {
    return `there is a kind "${name}" already, which comes with Homeostat. ${choose}`;
  }
  const other = before.find(({ kind }) => kind.kind === name);
  return other ? `there is a kind "${name}" already, in ${other.file}. ${choose}` : null;
}

/** A context that is a function, and the first entry, are seen only when a twin is made. */
function stillbirthOf(kind: AnyKind): string | null {
  try {
    new SoloTwin(kind, { home: 'home', twin: 'twin', timezone: 'UTC', now: 0, room: null });
    return null;
  } catch (error) {
    return `no twin of it can be made: ${messageOf(error)}`;
  }
}
