import type { Measurement } from '../measurement.ts';
import { besideBombs } from './rules/beside-bombs.ts';
import { bombs as turnsAndAnswers } from './rules/bombs.ts';

/** What a hostile tenant's rules cost everybody else. */
export const bombs: Measurement = {
  name: 'bombs',
  title:
    'Bombs: rules of a hostile tenant that try to take long, without limits of requests, and another home on PostgreSQL, Mosquitto',
  async run(setting) {
    return [...(await turnsAndAnswers(setting)), ...(await besideBombs(setting))];
  },
};
