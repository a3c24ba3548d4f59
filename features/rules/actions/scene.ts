/** Applies a scene, or takes it back. */
import { z } from 'zod';
import type { Json } from '../../../engine/kind.ts';
import { influencesOn } from '../checker/influence.ts';
import { typed, wait } from '../language/schemas.ts';
import { type Action, asking, defineAction } from './action.ts';
import { claimed } from './claims.ts';

interface SceneAction extends Action {
  readonly type: 'scene';
  readonly scene: string;
  /** ms. */
  readonly transition?: number;
  readonly revert: boolean;
}

export const scene = defineAction<SceneAction>({
  type: 'scene',
  schema: () =>
    z
      .strictObject({
        scene: z.union([
          z.string().transform((name) => ({ scene: name, transition: undefined, revert: false })),
          z.strictObject({
            scene: z.string(),
            transition: wait.optional(),
            revert: z.boolean().default(false),
          }),
        ]),
      })
      .transform(({ scene: given }) => typed('scene')(given)),
  check(action, checker, place) {
    const at = [...place, 'scene'];
    for (const { kind } of checker.targets(action.scene, at)) {
      if (kind !== 'scene') checker.say(`"${action.scene}" is a ${kind}, not a scene`, at);
    }
  },
  twins: (action) => [action.scene],
  /** What it gives its twins; taken back, that is known only then. */
  influences(action, place, twins) {
    const known = twins.get(action.scene);
    const entries = known?.kind === 'scene' ? known.settings.entries : undefined;
    return Object.entries((entries ?? {}) as Record<string, Record<string, Json>>).flatMap(
      ([twin, values]) =>
        influencesOn(twin, values, place, (id) => twins.get(id)?.kind).map((influence) => ({
          ...influence,
          place,
        })),
    );
  },
  compile(action, place, assembler) {
    assembler.add(
      asking(action, place, (values, { priority }) => [
        {
          type: 'tell',
          to: String(values.scene),
          event:
            values.revert === true
              ? { type: 'revert' }
              : {
                  type: 'apply',
                  ...(values.transition !== undefined && { transitionMs: values.transition }),
                },
          ...claimed(priority),
        },
      ]),
    );
  },
});
