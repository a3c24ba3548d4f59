/** Templates of Home Assistant as conditions and values of rules. */
import type { Json } from '../../engine/kind.ts';
import { partsOfTemplate } from './jinja.ts';
import { isTemplate, type Part, type Spot, textOf, Untranslatable } from './part.ts';
import { Compiler } from './template-compiler.ts';
import type { Translation } from './translation.ts';

/** A template that is true or false. @throws Untranslatable */
export function conditionOf(part: Part, translation: Translation): string {
  const text = textOf(part, 'the template');
  const parts = partsOfTemplate(text, part.at).filter(
    (one) => typeof one !== 'string' || one.trim() !== '',
  );
  const [only] = parts;
  if (only === undefined || parts.length > 1 || typeof only === 'string') {
    if (/^\s*true\s*$/i.test(text)) return 'true';
    if (/^\s*false\s*$/i.test(text)) return 'false';
    throw new Untranslatable(
      part.at,
      `"${text.slice(0, 60)}" is no single {{ … }}, so it is not clear what is true`,
      'write a single expression',
    );
  }
  return translation.checked(new Compiler(translation, part.at).truth(only), part.at);
}

/** A value of an action: `{{ … }}` becomes `${…}`. @throws Untranslatable */
export function valueOfTemplate(text: string, at: Spot, translation: Translation): Json {
  if (!isTemplate(text)) return escaped(text);
  const compiler = new Compiler(translation, at);
  const parts = partsOfTemplate(text, at);
  const solid = parts.filter((one) => typeof one !== 'string' || one.trim() !== '');
  const filled = (solid.length === 1 ? solid : parts).map((one) =>
    typeof one === 'string' ? escaped(one) : `\${${translation.checked(compiler.shown(one), at)}}`,
  );
  return filled.join('').trim();
}

/** Data with templates anywhere in it. @throws Untranslatable */
export function valueOfPart(part: Part, translation: Translation): Json {
  switch (part.type) {
    case 'list':
      return part.items.map((item) => valueOfPart(item, translation));
    case 'map':
      return Object.fromEntries(
        [...part.entries].map(
          ([key, { value }]) => [key, valueOfPart(value, translation)] as const,
        ),
      );
    case 'scalar':
      return typeof part.value === 'string'
        ? valueOfTemplate(part.value, part.at, translation)
        : part.value;
    case 'tag':
      return textOf(part, 'it');
  }
}

/** What looks like an expression here, and was none there. */
function escaped(text: string): string {
  return text.replaceAll('${', () => "${'$'}{");
}
