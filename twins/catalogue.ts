/** The kinds that come with Homeostat: the one door of twins/ for the composition root. */
import type { AnyKind } from '../engine/kind.ts';
import { home } from './home/home.ts';
import { relay } from './relay/relay.ts';
import { room } from './room/room.ts';
import { scene } from './scene/scene.ts';
import { schedule } from './schedule/schedule.ts';
import { sensor } from './sensor/sensor.ts';
import { thermostat } from './thermostat/thermostat.ts';

export const kinds: readonly AnyKind[] = [thermostat, room, relay, sensor, home, scene, schedule];
