import type { Measurement } from '../measurement.ts';
import { listening } from './rules/listening.ts';
import { month } from './rules/month.ts';
import { storm } from './rules/storm.ts';

/** What automations cost those that they leave alone, and what a draft of one costs its author. */
export const rules: Measurement = {
  name: 'rules',
  title:
    'Rules: 10,000 in 1,000 homes on PostgreSQL, Mosquitto, ten in each: one listens to the first of its three sensors, nine to the second, none to the third, and no report sets any off; a storm of rules beside another home; a draft on a month of 5-minute reports in SQLite',
  async run(setting) {
    return [...(await listening(setting)), ...(await storm(setting)), ...(await month(setting))];
  },
};
