import { Type } from 'typebox';
import { control, Nothing } from '../core/control.ts';
import type { Route } from '../core/http.ts';
import { choice } from '../core/options.ts';
import { accountNamed, type Instagram } from './context.ts';
import { AccountDay, ListFault } from './state.ts';

const closed = { additionalProperties: false };
const account = Type.Optional(Type.String());
const nullablePercent = Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { default: null });
const Fault = Type.Object(
  {
    list: choice('media', 'stories', 'comments', 'replies'),
    kind: ListFault.properties.kind,
    after: Type.Integer({ minimum: 0, default: 0 }),
    times: Type.Integer({ minimum: 0, default: 1 }),
  },
  closed,
);
const Day = Type.Object(
  {
    account,
    day: Type.String({ pattern: String.raw`^\d{4}-\d\d-\d\d$` }),
    metrics: AccountDay.properties.metrics,
    /** By `metric/breakdown`: `{"reach/follow_type": {"FOLLOWER": 5}}`. */
    breakdowns: AccountDay.properties.breakdowns,
  },
  closed,
);
const Demographics = Type.Object(
  {
    account,
    metric: choice('follower_demographics', 'engaged_audience_demographics'),
    breakdown: choice('country', 'age', 'city', 'gender'),
    timeframe: choice('this_month', 'this_week'),
    values: Type.Record(Type.String(), Type.Integer({ minimum: 0 })),
  },
  closed,
);
const SetUsage = Type.Object(
  {
    account,
    app: nullablePercent,
    business: nullablePercent,
    minutes: Type.Integer({ minimum: 0, default: 0 }),
  },
  closed,
);

/** What reading meets: pages that are wrong, numbers by day, and usage that headers tell. */
export function readingControls(instagram: Instagram): Route[] {
  const { state } = instagram;
  return [
    control('GET', '/instagram/fail-list', Nothing, () => state.listFaults),
    control('POST', '/instagram/fail-list', Fault, (fault) => {
      state.listFaults.push(fault);
      return state.listFaults;
    }),
    control('DELETE', '/instagram/fail-list', Nothing, () => {
      state.listFaults = [];
    }),
    control('POST', '/instagram/account-days', Day, ({ account: name, day, metrics, breakdowns }) => {
      const { id } = accountNamed(instagram, name);
      const days = (state.accountDays[id] ??= {});
      const before = days[day];
      days[day] = {
        metrics: { ...before?.metrics, ...metrics },
        breakdowns: { ...before?.breakdowns, ...breakdowns },
      };
      return days[day];
    }),
    control('POST', '/instagram/demographics', Demographics, ({ account: name, values, ...of }) => {
      const told = (state.demographics[accountNamed(instagram, name).id] ??= {});
      told[`${of.metric}/${of.breakdown}/${of.timeframe}`] = values;
      return told;
    }),
    control('POST', '/instagram/usage', SetUsage, ({ account: name, ...usage }) => {
      const { id } = accountNamed(instagram, name);
      state.usage[id] = usage;
      return usage;
    }),
    control('DELETE', '/instagram/usage', Nothing, () => {
      state.usage = {};
    }),
  ];
}
