// Words for what the API says by codes, and times and sizes as people write them.

const statuses = {
  up: ['Up', 'good'],
  down: ['Down', 'bad'],
  error: ['Error', 'bad'],
  non_responsive: ['Does not answer', 'bad'],
  non_operational: ['Not fit for its cluster', 'bad'],
  install_failed: ['Installation failed', 'bad'],
  maintenance: ['Maintenance', 'plain'],
  preparing_for_maintenance: ['Going into maintenance', 'busy'],
  pending_approval: ['Waits for approval', 'warn'],
  installing: ['Installing', 'busy'],
  installing_os: ['Installing its system', 'busy'],
  initializing: ['Starting', 'busy'],
  connecting: ['Connecting', 'busy'],
  reboot: ['Rebooting', 'busy'],
  kdumping: ['Writing a crash dump', 'bad'],
  unassigned: ['Not looked at yet', 'plain'],
};

const jobStates = {
  started: ['Running', 'busy'],
  finished: ['Done', 'good'],
  failed: ['Failed', 'bad'],
  aborted: ['Aborted', 'warn'],
};

const stepStates = { started: 'under way', finished: 'done', failed: 'failed', aborted: 'aborted', unknown: 'not begun' };

/** `[word, tone]`. A status that this page does not know is shown as it is. */
export const status = (name) => statuses[name] ?? [name, 'plain'];
export const jobState = (name) => jobStates[name] ?? [name, 'plain'];
export const stepState = (name) => stepStates[name] ?? name;

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, {
  year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit',
});

/** A moment in the reader's own time: today's without its day. */
export function moment(text) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text;
  return (date.toDateString() === new Date().toDateString() ? clock : day).format(date);
}

/** `1 h 4 min`, `2 min 5 s`, `3 s`. */
export function span(from, to) {
  const seconds = Math.max(0, Math.round((new Date(to) - new Date(from)) / 1000));
  if (Number.isNaN(seconds)) return '';
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** Bytes as GiB or MiB. */
export function size(bytes) {
  const count = Number(bytes);
  if (!(count > 0)) return '';
  const gibibytes = count / 2 ** 30;
  return gibibytes >= 1 ? `${gibibytes.toFixed(gibibytes < 10 ? 1 : 0)} GiB` : `${Math.round(count / 2 ** 20)} MiB`;
}

export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
