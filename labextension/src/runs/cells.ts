/** The cells of an executed notebook, and which are different since they were drawn. Pure. */
import type { ICell } from '@jupyterlab/nbformat';
import { JSONExt, type JSONValue } from '@lumino/coreutils';

/** The places of the cells whose outputs differ; null when the cells are others. */
export function changedCells(before: readonly ICell[], after: readonly ICell[]): number[] | null {
  const same = (one: unknown, other: unknown) =>
    JSONExt.deepEqual((one ?? null) as JSONValue, (other ?? null) as JSONValue);
  const cellsAgree =
    before.length === after.length &&
    before.every((cell, place) => {
      const now = after[place];
      return cell.cell_type === now?.cell_type && same(cell.source, now.source);
    });
  return cellsAgree
    ? [...after.keys()].filter(place => {
        const [old, now] = [before[place], after[place]];
        return (
          !same(old?.outputs, now?.outputs) || !same(old?.execution_count, now?.execution_count)
        );
      })
    : null;
}

/** Files have texts as lists of pieces, which JupyterLab's models put together wrongly. */
export function joined(cell: ICell): ICell {
  const outputs = cell.outputs as Output[] | undefined;
  const attachments = cell.attachments as { [name: string]: Bundle } | undefined;
  return {
    ...cell,
    ...(outputs && {
      outputs: outputs.map(one => ({
        ...one,
        ...(one.data && { data: whole(one.data) }),
        ...(Array.isArray(one.text) && { text: one.text.join('') })
      }))
    }),
    ...(attachments && {
      attachments: Object.fromEntries(
        Object.entries(attachments).map(([name, bundle]) => [name, whole(bundle)])
      )
    })
  } as ICell;
}

type Bundle = { [type: string]: unknown };
type Output = { data?: Bundle; text?: string | string[] };

/** A list that is JSON stays one. */
function whole(bundle: Bundle): Bundle {
  const pairs = Object.entries(bundle).map(([type, value]) => {
    const lines = Array.isArray(value) && !/[/+]json$/.test(type);
    return [type, lines ? value.join('') : value];
  });
  return Object.fromEntries(pairs);
}
