/** The languages in which rules are explained. */
export type Language = 'en' | 'de';
export const LANGUAGES = ['en', 'de'] as const;

/** A value as it is shown in a sentence. */
export function shown(value: unknown): string {
  return JSON.stringify(value) ?? '?';
}
