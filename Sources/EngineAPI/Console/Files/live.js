// What changes on the engine is seen here as it happens: by its stream of events, and where that cannot be had, by asking.

import { get, query, stream } from './api.js';

/** The stream is opened anew after this; after so many failures in a row it is asked instead, for a while. */
const pause = 2000;
const failuresMax = 2;
const asksMax = 4;
/** An answer to a question for events is held back so long, in seconds. */
const wait = 20;
/** Several events at once are one reason to look. */
const gather = 250;
/** The engine says something at least every 15 seconds; a stream that is silent for longer is dead. */
const silence = 40000;
const slow = 20000;

const listeners = new Set();
const states = new Set();
let reading = null;
let last = null;

/** `live`, `polling` or `away`; told at once and at each change. */
export function onState(listener) {
  states.add(listener);
}

function tell(state) {
  for (const listener of states) listener(state);
}

function announce(event) {
  for (const listener of [...listeners]) listener(event);
}

/** Begins to listen. Nobody listens while the page is not seen: a browser has few connections to one engine. */
export function start() {
  stop();
  last = null;
  resume();
  document.addEventListener('visibilitychange', turn);
}

export function stop() {
  document.removeEventListener('visibilitychange', turn);
  reading?.abort();
  reading = null;
}

function turn() {
  if (document.visibilityState === 'visible') resume();
  else {
    reading?.abort();
    reading = null;
  }
}

function resume() {
  if (reading !== null || document.visibilityState !== 'visible') return;
  reading = new AbortController();
  run(reading.signal);
}

async function run(signal) {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await follow(signal);
      failures = 0;
    } catch (error) {
      if (signal.aborted || error.status === 401) return;
      failures += 1;
      tell('away');
      if (failures >= failuresMax) {
        await ask(signal);
        failures = 0;
      }
    }
    if (!signal.aborted) await rest(pause, signal);
  }
}

async function follow(signal) {
  const body = await stream(query('events/stream', { from: last ?? undefined }), signal);
  tell('live');
  announce(null);
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await soon(reader);
    if (done) return;
    const blocks = (text + value).split('\n\n');
    text = blocks.pop();
    for (const block of blocks) take(block);
  }
}

/** What the stream says next; fails where it says nothing in time. */
async function soon(reader) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error('the stream is silent'));
      reader.cancel().catch(() => {});
    }, silence);
  });
  try {
    return await Promise.race([reader.read(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function take(block) {
  const data = block.split('\n').find((line) => line.startsWith('data: '));
  if (data === undefined) return;
  const event = JSON.parse(data.slice('data: '.length));
  last = event.index;
  announce(event);
}

/** The same by questions, a few times; then the stream is tried again. */
async function ask(signal) {
  for (let count = 0; count < asksMax && !signal.aborted; count += 1) {
    try {
      last ??= (await get('events?max=1', signal)).event?.[0]?.index ?? '0';
      const events = (await get(query('events', { from: last, wait, max: 100 }), signal)).event ?? [];
      tell('polling');
      if (count === 0) announce(null);
      for (const event of events.reverse()) {
        last = event.index;
        announce(event);
      }
    } catch (error) {
      if (signal.aborted || error.status === 401) return;
      tell('away');
      await rest(pause, signal);
    }
  }
}

function rest(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

/** Calls `listener` with each event, and with null where some may have been missed, until `signal`. */
export function onEvent(signal, listener) {
  listeners.add(listener);
  signal.addEventListener('abort', () => listeners.delete(listener), { once: true });
}

/**
 * Runs `refresh` now, after each event that `wants` it, and from time to time, never twice at once, until `signal`. It may
 * give the milliseconds after which it wants to run again.
 */
export function watch(signal, refresh, wants = () => true) {
  let timer = null;
  let isRunning = false;
  let isWanted = false;
  const plan = (milliseconds) => {
    clearTimeout(timer);
    if (!signal.aborted) timer = setTimeout(run, milliseconds);
  };
  async function run() {
    if (isRunning) {
      isWanted = true;
      return;
    }
    [isRunning, isWanted] = [true, false];
    let next = slow;
    try {
      if (document.visibilityState === 'visible' || timer === null) next = (await refresh()) ?? slow;
    } finally {
      isRunning = false;
      plan(isWanted ? gather : next);
    }
  }
  onEvent(signal, (event) => {
    if (event !== null && !wants(event)) return;
    if (isRunning) isWanted = true;
    else plan(gather);
  });
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  run();
  return () => plan(0);
}
