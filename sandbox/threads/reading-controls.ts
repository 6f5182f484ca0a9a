import { Type } from 'typebox';
import { control, Nothing } from '../core/control.ts';
import type { Route } from '../core/http.ts';
import { Mismatch } from '../core/json.ts';
import { profileByName, type Threads } from './context.ts';
import { DayNumbers, Demographics, ListFault } from './state.ts';
import { BREAKDOWNS } from './user-insights.ts';

const Numbers = Type.Object(
  {
    username: Type.Optional(Type.String()),
    /** By day in California, `2026-11-30`; null: no data of this day. */
    days: Type.Record(
      Type.String({ pattern: String.raw`^\d{4}-\d{2}-\d{2}$` }),
      Type.Union([DayNumbers, Type.Null()]),
      { default: {} },
    ),
    demographics: Type.Optional(Demographics),
  },
  { additionalProperties: false },
);

/** What is wrong with lists, and the numbers of a profile, day by day. */
export function readingControls(threads: Threads): Route[] {
  const { state } = threads;
  return [
    control('GET', '/threads/fail-list', Nothing, () => state.listFaults),
    control('POST', '/threads/fail-list', ListFault, (fault) => {
      state.listFaults.push(fault);
      return state.listFaults;
    }),
    control('DELETE', '/threads/fail-list', Nothing, () => {
      state.listFaults = [];
    }),
    control('POST', '/threads/numbers', Numbers, ({ username, days, demographics = {} }) => {
      const profile = profileByName(threads, username);
      if (profile === undefined) throw new Mismatch(`no profile ${username}`);
      const wrong = Object.keys(demographics).find((breakdown) => !BREAKDOWNS.includes(breakdown));
      if (wrong !== undefined) throw new Mismatch(`demographics: no breakdown ${wrong}`);
      const numbers = state.numbers[profile.id] ?? {};
      if (Object.keys(days).length > 0) state.numbers[profile.id] = numbers;
      for (const [day, told] of Object.entries(days)) {
        if (told === null) delete numbers[day];
        else numbers[day] = { ...numbers[day], ...told };
      }
      state.demographics[profile.id] = { ...state.demographics[profile.id], ...demographics };
      return { days: numbers, demographics: state.demographics[profile.id] };
    }),
  ];
}
