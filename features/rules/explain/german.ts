/**
 * What a rule says of itself in its traces, in German. The traces are data, in English, with paths and values of the
 * author's own; what stands around those is put into German here.
 */
const PHRASES: readonly [RegExp, string][] = [
  // Why a trigger did not fire
  [/^(.+) said (.+), which is not what it waits for$/, '$1 sagte $2, worauf sie nicht wartet'],
  [/^(.+) became (.+), which is not what it waits for$/, '$1 wurde $2, worauf sie nicht wartet'],
  [
    /^(.+) was (.+) before, which is not what it begins with$/,
    '$1 war vorher $2, womit sie nicht beginnt',
  ],
  [
    /^(.+) is (.+), the limit is (.+): it has fired, and has not come back by its hysteresis since$/,
    '$1 ist $2, die Grenze ist $3: ausgelöst hat es schon, und um die Hysterese kam es seither nicht zurück',
  ],
  [
    /^(.+) is (.+), the limit is (.+): it was beyond it before$/,
    '$1 ist $2, die Grenze ist $3: jenseits davon war es schon vorher',
  ],
  [/^(.+) is (.+), the limit is (.+)$/, '$1 ist $2, die Grenze ist $3'],
  [/^(.+) is unknown: (.+) (?:is|are) not there$/, '$1 ist nicht bekannt: $2 gibt es nicht'],
  [/^(.+) is false$/, '$1 ist falsch'],
  [/^it did not hold for long enough$/, 'es hielt nicht lange genug'],
  // Why no run began
  [/^a condition was not true$/, 'eine Bedingung war nicht wahr'],
  [/^it was running already \(mode single\)$/, 'sie lief schon (Modus single)'],
  [/^(\d+) runs waited already \(mode queued\)$/, '$1 Läufe warteten schon (Modus queued)'],
  [/^it ran (\d+) times already \(mode parallel\)$/, 'sie lief schon $1-mal (Modus parallel)'],
  [/^it came (\S+) late$/, 'es kam $1 zu spät'],
  [/^it was set off too often$/, 'sie wurde zu oft ausgelöst'],
  // What a run waits for, and how it ended
  [/^for an event or a condition$/, 'auf ein Ereignis oder eine Bedingung'],
  [/^for the command to be confirmed$/, 'auf die Bestätigung des Befehls'],
  [/^(\S+), to try again what ended as (\w+)$/, '$1, um zu wiederholen, was so endete: $2'],
  [/^what it waited for did not come in time$/, 'worauf sie wartete, kam nicht rechtzeitig'],
  [/^command "(.+)" ended as (\w+): (.+)$/, 'Befehl „$1“ endete so: $2 ($3)'],
  [/^command "(.+)" ended as (\w+)$/, 'Befehl „$1“ endete so: $2'],
  [/^did (\d+) steps without ever waiting$/, 'tat $1 Schritte, ohne je zu warten'],
  [/^(\S+) holds (.+) of "(.+)"$/, '$1 hält $2 von „$3“'],
  // Why a value is not known
  [/^(.+) (?:is|are) not there$/, '$1 gibt es nicht'],
  [/^it is (.+), not true or false$/, 'es ist $1, weder wahr noch falsch'],
  // Conditions that are no expressions
  [/^the mode is (.+)$/, 'der Modus ist $1'],
];

const TIME_OF_DAY = /^(?:from \d\d:\d\d)? ?(?:until \d\d:\d\d)? ?(?:on (?:[a-z]{3}(?:, )?)+)?$/;
const DAYS: Record<string, string> = {
  ...{ mon: 'Mo', tue: 'Di', wed: 'Mi', thu: 'Do', fri: 'Fr', sat: 'Sa', sun: 'So' },
};

/** The phrase in German; what is no phrase of a rule's own, such as an author's words, stays as it is. */
export function inGerman(phrase: string): string {
  if (phrase !== '' && TIME_OF_DAY.test(phrase)) {
    return phrase
      .replace('from', 'ab')
      .replace('until', 'bis')
      .replace(
        /\bon (.*)$/,
        (_, days: string) => `am ${days.replace(/[a-z]{3}/g, (day) => DAYS[day] ?? day)}`,
      );
  }
  for (const [english, german] of PHRASES) {
    if (english.test(phrase)) return phrase.replace(english, german);
  }
  return phrase;
}
