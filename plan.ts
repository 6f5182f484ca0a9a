/*
 * A post is a plan (docs/architecture.md): the steps that publish it, in order. Plain data, which is stored with the post and
 * enters the workflow's history. A step's name is unique in its plan. All that is asked of a plan is answered here.
 */

/** One entry of a plan. */
export type Step =
  /**
   * Changes something at the provider. `lost` says what to do when its answer never came. `shows`: what it made is seen
   * from then on, whatever becomes of the steps after it.
   */
  | { kind: 'write'; name: string; lost: 'repeat' | 'reconcile'; shows?: true }
  /** Moves the media's bytes to where the write named `of` said. */
  | { kind: 'transfer'; name: string; of: string }
  /**
   * Asks until the provider has decided. `recall`: until then the provider may let us take the post back. `soon`: the
   * write before has made it live, and only its address is missing: asked in that write already, and not for ever.
   */
  | { kind: 'await'; name: string; recall?: true; soon?: true };

export type Plan = readonly Step[];

/** A step of one kind. */
export type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

/** The step of this kind and name. @throws Error when the plan has none */
export function stepOf<Kind extends Step['kind']>(plan: Plan, kind: Kind, name: string): StepOf<Kind> {
  const step = plan.find(
    (candidate): candidate is StepOf<Kind> => candidate.kind === kind && candidate.name === name,
  );
  if (step === undefined) throw new Error(`the plan has no ${kind} ${name}`);
  return step;
}

/** The position of a step. @throws Error when the plan has none of this name */
export function positionOf(plan: Plan, name: string): number {
  const position = plan.findIndex((step) => step.name === name);
  if (position === -1) throw new Error(`the plan has no step ${name}`);
  return position;
}

/** The one of these steps that the plan performs first. @throws Error when it has none of them */
export function firstOf(plan: Plan, names: readonly string[]): Step {
  const first = plan.find(({ name }) => names.includes(name));
  if (first === undefined) throw new Error(`the plan has no step ${names.join(', ')}`);
  return first;
}

/** The names of the steps before a step. */
export function stepsBefore(plan: Plan, name: string): string[] {
  return plan.slice(0, positionOf(plan, name)).map((step) => step.name);
}

/** The step after a step; null: it is the last one. */
export function stepAfter(plan: Plan, name: string): Step | null {
  return plan[positionOf(plan, name) + 1] ?? null;
}

/** The state of a post whose step `name` is done. */
export function stateAfter(plan: Plan, name: string): 'transferring' | 'processing' {
  return stepAfter(plan, name)?.kind === 'transfer' ? 'transferring' : 'processing';
}

/** The names of the writes. */
export function writesOf(plan: Plan): string[] {
  return plan.flatMap(({ kind, name }) => (kind === 'write' ? [name] : []));
}

/** Whether the file is sent to the provider; else the provider fetches it. */
export function sendsFile(plan: Plan): boolean {
  return plan.some(({ kind }) => kind === 'transfer');
}

/** The names of the writes that each show a part of the post. None: the post is seen when all of it has arrived. */
export function showingWrites(plan: Plan): string[] {
  return plan.flatMap((step) => (step.kind === 'write' && step.shows === true ? [step.name] : []));
}

/** `showingWrites` as an SQL/JSON path, for queries over many posts. */
export const SHOWING_WRITES = '$[*] ? (@.kind == "write" && @.shows == true).name';

/** The names of the writes after which something of the post may be seen. */
export function possiblyVisibleWrites(plan: Plan): string[] {
  const shown = showingWrites(plan);
  return shown.length > 0 ? shown : writesOf(plan);
}

/** The position of the step after which a post cannot be cancelled: something of it is seen, or nothing is left to be sent. */
export function pointOfNoReturn(plan: Plan): number {
  const [first] = showingWrites(plan);
  return first === undefined ? plan.findLastIndex(({ kind }) => kind !== 'await') : positionOf(plan, first);
}

/** Whether the provider may let us take the post back while it decides. */
export function isRecallable(plan: Plan): boolean {
  return plan.some((step) => step.kind === 'await' && step.recall === true);
}

/** Whether a step asks only for the details of what is live already. */
export function asksForDetails(step: Step | null): step is StepOf<'await'> {
  return step?.kind === 'await' && step.soon === true;
}
