/** Runs of workflows, as the service shows them. */
import type { components } from '../api';
import type { Launch } from '../model';

type Schemas = components['schemas'];

export type State = Schemas['State'];
/** One execution of a step. */
export type Attempt = Schemas['Attempt'];
/** How far a step has come. */
export type StepRun = Schemas['StepRun'];
/** One execution of a workflow; without the workflow, as events have it. */
export type Run = Omit<Schemas['Run'], 'workflow'>;

/** With what it was made of. */
export interface WholeRun extends Run {
  workflow: Workflow;
}

/** What of a step's definition is read or written here; the service knows more of it. */
export interface Step {
  name: string;
  notebook?: string | null;
  command?: string[] | null;
  parameters?: { [name: string]: unknown };
  takes?: { [name: string]: string };
  after?: string[];
  joined?: string | null;
  inputs?: { [name: string]: string };
  outputs?: { [name: string]: string };
  backend?: BackendWish | string | null;
  output?: string | null;
  retry?: { times?: number };
  timeout?: string | null;
  cache?: boolean;
}

export type BackendWish = Pick<Launch, 'kind' | 'options'> & { profile?: string | null };

export interface Workflow {
  name: string;
  steps: Step[];
  directory?: string;
  /** Notebooks that travel with it, by what its steps call them. */
  notebooks?: { [place: string]: object };
}

export type ParameterType = 'int' | 'float' | 'bool' | 'str' | 'list' | 'dict' | 'any';

/** A value that a notebook can be given. */
export interface Parameter {
  name: string;
  type: ParameterType;
  /** Whether null can be given besides. */
  nullable: boolean;
  /** All values that it can have, if they are few. */
  choices: unknown[];
  /** The value in the notebook, if `literal`. */
  default: unknown;
  /** Whether the value is known; else the notebook computes it. */
  literal: boolean;
  /** The value as it is written there; may be cut. */
  source: string;
  /** Whether the notebook has no value for it. */
  required: boolean;
  /** Index of the cell that sets it. */
  cell: number;
  /** Whether that cell is marked as the one with the parameters. */
  tagged: boolean;
  help: string;
}

/** What the server extension knows of a notebook. */
export interface Described {
  notebook: string;
  /** Absolute, for processes on that machine. */
  directory: string;
  kernel: string;
  parameters: Parameter[];
}

/** What can be seen of a step. */
export const VIEWS = ['notebook', 'log', 'cluster', 'attempts', 'exchange'] as const;
export type View = (typeof VIEWS)[number];
