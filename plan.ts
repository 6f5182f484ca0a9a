/*
 * A post is a plan (docs/architecture.md): the steps that publish it, in order. Plain data, stored with the post and
 * recorded in the workflow's history. A step's name is unique in its plan. This file answers every question about a
 * plan. A plan ends with an await that brings the verdict, or with a write that shows the post.
 */

/** One entry of a plan. */
export type Step =
  /**
   * Changes something at the provider. `lost`: what to do if its answer never came. `shows`: its result is visible from
   * then on, whatever happens to later steps.
   */
  | { kind: 'write'; name: string; lost: 'repeat' | 'reconcile'; shows?: true }
  /** Sends a file to the place that the write named `of` returned: the media of this id, or else the post's only file. */
  | { kind: 'transfer'; name: string; of: string; media?: string }
  /**
   * Polls until the provider has decided. `recall`: until then the provider may let us take the post back. `soon`: the
   * previous write has made the post live and only its address is missing: the write already asks for it, and polling
   * is limited.
   */
  | { kind: 'await'; name: string; recall?: true; soon?: true };

export type Plan = readonly Step[];

/** A step of one kind. */
export type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

/** The step of this kind and name. @throws Error if the plan has none */
export function stepOf<Kind extends Step['kind']>(plan: Plan, kind: Kind, name: string): StepOf<Kind> {
  const step = plan.find(
    (candidate): candidate is StepOf<Kind> => candidate.kind === kind && candidate.name === name,
  );
  if (step === undefined) throw new Error(`the plan has no ${kind} ${name}`);
  return step;
}

/** The position of a step. @throws Error if the plan has no step of this name */
export function positionOf(plan: Plan, name: string): number {
  const position = plan.findIndex((step) => step.name === name);
  if (position === -1) throw new Error(`the plan has no step ${name}`);
  return position;
}

/** The first of these steps in the plan. @throws Error if it has none of them */
export function firstOf(plan: Plan, names: readonly string[]): Step {
  const first = plan.find(({ name }) => names.includes(name));
  if (first === undefined) throw new Error(`the plan has no step ${names.join(', ')}`);
  return first;
}

/** The names of the steps before a step. */
export function stepsBefore(plan: Plan, name: string): string[] {
  return plan.slice(0, positionOf(plan, name)).map((step) => step.name);
}

/** The step after a step; null after the last one. */
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

/** Whether we send the file to the provider; otherwise the provider fetches it. */
export function sendsFile(plan: Plan): boolean {
  return plan.some(({ kind }) => kind === 'transfer');
}

/** The step that sends the last file; null: the provider fetches them. */
export function lastTransfer(plan: Plan): StepOf<'transfer'> | null {
  return plan.findLast((step): step is StepOf<'transfer'> => step.kind === 'transfer') ?? null;
}

/** The ids of the files that transfers name, each once. */
export function namedFiles(plan: Plan): string[] {
  const ids = plan.flatMap((step) =>
    step.kind === 'transfer' && step.media !== undefined ? [step.media] : [],
  );
  return [...new Set(ids)];
}

/**
 * The names of the writes that each make a part of the post visible. None: the post becomes visible once the provider
 * has all of it.
 */
export function showingWrites(plan: Plan): string[] {
  return plan.flatMap((step) => (step.kind === 'write' && step.shows === true ? [step.name] : []));
}

/** `showingWrites` as an SQL/JSON path, for queries over many posts. */
export const SHOWING_WRITES = '$[*] ? (@.kind == "write" && @.shows == true).name';

/** The names of the writes after which part of the post may be visible. */
export function possiblyVisibleWrites(plan: Plan): string[] {
  const shown = showingWrites(plan);
  return shown.length > 0 ? shown : writesOf(plan);
}

/**
 * The position of the step after which a post cannot be cancelled: part of it is visible, or nothing is left to send.
 */
export function pointOfNoReturn(plan: Plan): number {
  const [first] = showingWrites(plan);
  return first === undefined ? plan.findLastIndex(({ kind }) => kind !== 'await') : positionOf(plan, first);
}

/** Whether the provider may let us take the post back while it decides. */
export function isRecallable(plan: Plan): boolean {
  return plan.some((step) => step.kind === 'await' && step.recall === true);
}

/** Whether a step only fetches details of a post that is already live. */
export function asksForDetails(step: Step | null): step is StepOf<'await'> {
  return step?.kind === 'await' && step.soon === true;
}
