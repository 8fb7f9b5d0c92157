/** Keys that are pressed in a card within a notebook. */

/** Plain keys are the card's, not shortcuts of the cell that it is in: Enter presses a button. */
export function keepKeys(node: HTMLElement): void {
  node.addEventListener('keydown', event => {
    if (!(event.ctrlKey || event.metaKey || event.altKey || event.shiftKey)) {
      event.stopPropagation();
    }
  });
}
