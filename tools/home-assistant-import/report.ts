/** What became of each automation, in words. */
import type { Spot } from './part.ts';

export interface Finding {
  /**
   * `untranslated`: the rule is incomplete; `assumed`: somebody should look whether it is so;
   * `ignored`: it made no difference to what is done.
   */
  level: 'untranslated' | 'assumed' | 'ignored';
  at: Spot;
  message: string;
  /** What to do about it. */
  instead?: string;
}

/** How many of these were translated. */
export interface Tally {
  done: number;
  all: number;
}

/** What became of an automation. */
export interface Account {
  source: string;
  at: Spot;
  /** The name in Home Assistant. */
  name: string;
  /** The file of the rule. */
  file: string;
  isComplete: boolean;
  triggers: Tally;
  conditions: Tally;
  actions: Tally;
  findings: readonly Finding[];
}

/** @param files that hold no automation that could be read, with the reason */
export function tellImport(
  accounts: readonly Account[],
  files: readonly { source: string; findings: readonly Finding[] }[],
): string {
  const open = accounts.flatMap(({ findings }) => findings.filter(isOpen)).length;
  const lost = files.flatMap(({ findings }) => findings.filter(isOpen)).length;
  const complete = accounts.filter(({ isComplete }) => isComplete).length;
  return [
    ...files
      .filter(({ findings }) => findings.length > 0)
      .flatMap(({ source, findings }) => [source, ...sections(findings), '']),
    ...accounts.flatMap((account) => [...lines(account), '']),
    `${complete} of ${count(accounts.length, 'automation')} translated completely; ${
      open + lost === 0 ? 'nothing is left to do' : `${count(open + lost, 'part')} not translated`
    }`,
    '',
  ].join('\n');
}

function lines({ source, at, name, file, triggers, conditions, actions, findings }: Account) {
  return [
    `${source}:${at.line}:${at.column} "${name}" → ${file}`,
    `  translated: ${[
      share(triggers, 'trigger'),
      ...(conditions.all > 0 ? [share(conditions, 'condition')] : []),
      share(actions, 'action'),
    ].join(', ')}`,
    ...sections(findings),
  ];
}

const HEADINGS = [
  ['untranslated', 'NOT translated'],
  ['assumed', 'assumed'],
  ['ignored', 'left out, as nothing depends on it'],
] as const;

function sections(findings: readonly Finding[]): string[] {
  return HEADINGS.flatMap(([level, heading]) => {
    const those = findings
      .filter((finding) => finding.level === level)
      .sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
    if (those.length === 0) return [];
    return [`  ${heading}:`, ...those.flatMap((finding) => sentences(finding).map(indented))];
  });
}

/** `12:5 what it is` and below it what to do. */
export function sentences({ at, message, instead }: Finding): string[] {
  return [
    `${at.line}:${at.column} ${oneLine(message)}`,
    ...(instead === undefined ? [] : [`  → ${oneLine(instead)}`]),
  ];
}

export function oneLine(text: string): string {
  const flat = text.replaceAll(/[\s\p{C}]+/gu, ' ').trim();
  return flat.length > 400 ? `${flat.slice(0, 400)}…` : flat;
}

function indented(text: string): string {
  return `    ${text}`;
}

function isOpen({ level }: Finding): boolean {
  return level === 'untranslated';
}

function share({ done, all }: Tally, word: string): string {
  return done === all ? count(all, word) : `${done} of ${count(all, word)}`;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
