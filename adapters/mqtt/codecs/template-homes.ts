import { loadTemplates } from './template-file.ts';
import { variablesOf } from './template-text.ts';

/**
 * The homes that a template file names. A home that is one variable and nothing else is named by the topics of its
 * senders, and not by the file.
 * @returns whether a home is one of them
 * @throws Error as `loadTemplates`
 */
export async function homesOfTemplates(filename: string): Promise<(home: string) => boolean> {
  const named = (await loadTemplates(filename))
    .map(({ home }) => home)
    .filter((home) => variablesOf(home)[0] === undefined || !/^\{\w+\}$/.test(home))
    .map(
      (home) =>
        new RegExp(
          `^${home
            .split(/\{\w+\}/)
            .map(escaped)
            .join('.+')}$`,
        ),
    );
  return (home) => named.some((pattern) => pattern.test(home));
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\-]/g, String.raw`\$&`);
}
