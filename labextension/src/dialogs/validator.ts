/** Values checked against JSON schemas, for the forms of dialogs. */
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import type { ValidatorType } from '@rjsf/utils';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';

import { parseMemory } from '../words';

/** One thing that a schema has against a value. */
export type Fault = Pick<ErrorObject, 'keyword' | 'instancePath' | 'message'> & {
  params: { missingProperty?: string; limit?: number };
};

const ajv = new Ajv({
  allErrors: true,
  strict: false, // schemas of kinds have words of their own
  logger: false,
  formats: { memory: (text: string) => parseMemory(text) > 0 }
});

/** By the schema as text: it is made anew with every letter that is typed. */
const known = new Map<string, ValidateFunction | null>();

/** Null for what is no schema. */
function compiled(schema: object): ValidateFunction | null {
  const text = JSON.stringify(schema);
  let check = known.get(text);
  if (check === undefined) {
    try {
      check = ajv.compile(schema);
    } catch (error) {
      console.warn(error);
      check = null;
    }
    known.set(text, check);
  }
  return check;
}

/** None where the schema can't be read: then the service alone decides. */
export function faults(schema: object, values: unknown): Fault[] {
  const check = compiled(schema);
  return check === null || check(values) ? [] : ((check.errors ?? []) as Fault[]);
}

/** For JupyterLab's form component, which draws and asks nothing else: what is wrong is given to
 * it as extra errors. Smaller by far than the one that it is mostly used with. */
export const validator: ValidatorType<ReadonlyJSONObject> = {
  isValid: ({ $defs = {}, ...schema }, values, root) =>
    faults({ ...schema, $defs: { ...root?.$defs, ...$defs } }, values).length === 0,
  rawValidation: <Result>(schema: object, values: unknown) => ({
    errors: faults(schema, values) as Result[]
  }),
  validateFormData: () => ({ errors: [], errorSchema: {} }),
  toErrorList: () => []
};
