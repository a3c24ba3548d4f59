/** A page of the guides: which commands stand in it, and what has to be there for them. */

/** What a page does, in its order. */
export type Step =
  | { do: 'run'; text: string; line: number }
  /** What the page takes as given, and readers do not see. */
  | { do: 'prepare'; text: string; line: number }
  | { do: 'write'; file: string; text: string; line: number }
  | { do: 'skip'; why: string; line: number };

const NOT_RUN = /^<!-- not run: (.+) -->$/;
const FILE = /^<!-- file: ([\w.-]+) -->$/;

/**
 * Commands are blocks of `sh`. A comment above one says why it is not run (`not run: …`), above another block to which
 * file its text goes (`file: …`); a comment `given` holds commands of its own.
 */
export function stepsOf(page: string): Step[] {
  const lines = page.split('\n');
  const steps: Step[] = [];
  /** The comment that stands above what comes next. */
  let above = '';
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1;
    const text = lines[at] ?? '';
    if (text === '<!-- given') {
      const end = lines.indexOf('-->', at);
      steps.push({ do: 'prepare', text: lines.slice(at + 1, end).join('\n'), line });
      at = end;
    } else if (text.startsWith('```')) {
      const end = lines.indexOf('```', at + 1);
      const block = lines.slice(at + 1, end).join('\n');
      const why = NOT_RUN.exec(above)?.[1];
      const file = FILE.exec(above)?.[1];
      if (file !== undefined) steps.push({ do: 'write', file, text: `${block}\n`, line });
      else if (why !== undefined) steps.push({ do: 'skip', why, line });
      else if (text === '```sh') steps.push({ do: 'run', text: block, line });
      at = end;
      above = '';
    } else if (text.trim() !== '') {
      above = text;
    }
  }
  return steps;
}
