// A scanner that types like a keyboard: many characters in one go, then Enter. What begins and looks like one of our codes
// is a reading; nobody types such by chance.
const GAP = 1000; // ms between two characters of one reading

// listen tells take of what a scanner reads while nothing is focused to type into.
export function listen(take) {
  let read = '', last = 0;
  addEventListener('keydown', (e) => {
    if (e.target.matches('input, select, textarea') || e.ctrlKey || e.altKey || e.metaKey) return;
    if (e.timeStamp - last > GAP) read = '';
    last = e.timeStamp;
    if (e.key === 'Enter' && /^LK[RT]1[A-Z2-7]{20,}$/.test(read)) {
      e.preventDefault();
      e.stopImmediatePropagation();
      take(read);
      read = '';
    } else if (e.key.length === 1) read += e.key;
  }, true);
}
