// What browsers have, and jsdom has not.
const { TextDecoder, TextEncoder } = require('node:util');
const streams = require('node:stream/web');
const { webcrypto } = require('node:crypto');
const v8 = require('node:v8');

Object.assign(globalThis, { TextDecoder, TextEncoder, ...streams });
Object.defineProperty(globalThis, 'crypto', { value: webcrypto, configurable: true });
globalThis.fetch ??= () => Promise.reject(new Error('no network in tests'));
globalThis.DragEvent ??= class DragEvent extends Event {};
globalThis.structuredClone ??= value => v8.deserialize(v8.serialize(value));
globalThis.matchMedia ??= query => ({
  matches: false,
  media: query,
  addEventListener() {},
  removeEventListener() {},
  addListener() {},
  removeListener() {}
});
globalThis.requestIdleCallback ??= callback => setTimeout(callback, 0);
globalThis.CSS ??= { escape: text => text.replace(/[^\w-]/g, '\\$&') };
