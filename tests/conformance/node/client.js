// A client of the replay service made of the protos alone. Prints one JSON object of what it saw.
//
//   node client.js HOST:PORT FOLDER_OF_PROTOS
'use strict';

const assert = require('node:assert');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [address, protos] = process.argv.slice(2);
const definition = loader.loadSync(path.join(protos, 'heronry/api/replay/v1/replay.proto'), {
  includeDirs: [protos],
  longs: String, // numbers of 64 bits do not fit into JavaScript's own
  enums: String,
  keepCase: true,
  defaults: true,
  oneofs: true,
});
const { ReplayService } = grpc.loadPackageDefinition(definition).heronry.api.replay.v1;
const client = new ReplayService(address, grpc.credentials.createInsecure());
const metadata = new grpc.Metadata();
metadata.set('heronry-client-id', 'node-conformance');

const ARRAYS = {
  ELEMENT_TYPE_FLOAT32: Float32Array,
  ELEMENT_TYPE_FLOAT64: Float64Array,
  ELEMENT_TYPE_INT32: Int32Array,
  ELEMENT_TYPE_UINT8: Uint8Array,
  ELEMENT_TYPE_UINT32: Uint32Array,
  ELEMENT_TYPE_UINT64: BigUint64Array,
};

// Bytes of a message start anywhere in its buffer, typed arrays only at multiples of their element's size.
const typed = (elementType, bytes) => new ARRAYS[elementType](Uint8Array.from(bytes).buffer);
const bytesOf = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
const unary = (method, request) =>
  new Promise((resolve, reject) => {
    const deadline = Date.now() + 10_000;
    client[method](request, metadata, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });

// What a stream sends, one message at a time.
function reader(stream) {
  const messages = [];
  const waiting = [];
  let failure = null;
  let isOver = false;
  const settle = () => {
    while (waiting.length && (messages.length || failure || isOver)) {
      const { resolve, reject } = waiting.shift();
      if (messages.length) resolve(messages.shift());
      else if (failure) reject(failure);
      else resolve(null);
    }
  };
  stream.on('data', (message) => { messages.push(message); settle(); });
  stream.on('error', (error) => { failure = error; settle(); });
  stream.on('end', () => { isOver = true; settle(); });
  return () => new Promise((resolve, reject) => { waiting.push({ resolve, reject }); settle(); });
}

async function createTable(table, columns, sampler) {
  return unary('CreateTable', {
    definition: {
      table,
      sampler,
      remover: { kind: 'SELECTOR_KIND_FIFO' },
      rate_limiter: {
        samples_per_insert: 1, min_size: 1, min_diff: -Number.MAX_VALUE, max_diff: Number.MAX_VALUE,
      },
      max_size: 1000,
      pattern: { num_steps: 1, period: 1 },
      acknowledgement: 'ACKNOWLEDGEMENT_LEVEL_MEMORY',
      columns,
      seed: 7,
    },
  });
}

// Sends blocks within the credits; returns the last answer.
async function append(table, columns, numLanes, blocks) {
  const stream = client.Append(metadata, { deadline: Date.now() + 30_000 });
  const next = reader(stream);
  stream.write({ header: { table, writer_id: `node-${table}`, writer_epoch: 1, columns, num_lanes: numLanes } });
  let answer = await next();
  let sent = 0;
  while (Number(answer.accepted_sequence) < blocks.length) {
    while (sent < blocks.length && sent - Number(answer.accepted_sequence) < answer.credits) {
      stream.write({ block: { ...blocks[sent], sequence: sent + 1, behaviour_version: { epoch: 1, number: 3 } } });
      sent += 1;
    }
    answer = await next();
  }
  stream.write({ end: {} });
  stream.end();
  while ((await next()) !== null);
  return answer;
}

// Reads batches, one credit each; columns and facts become typed arrays.
async function sample(table, batchSize, numBatches) {
  const stream = client.Sample(metadata, { deadline: Date.now() + 30_000 });
  const next = reader(stream);
  stream.write({ header: { table, batch_size: batchSize } });
  const batches = [];
  let headers = null;
  for (let i = 0; i < numBatches; i += 1) {
    stream.write({ credits: { num_batches: 1 } });
    let message = await next();
    while (!message.batch) message = await next();
    const { batch } = message;
    if (batch.columns.length) headers = batch.columns;
    const data = batch.num_parts === '0' ? batch.data : cut(headers, await parts(next, batch));
    const columns = {};
    headers.forEach((header, index) => {
      columns[header.path] = { shape: header.shape.map(Number), values: typed(header.element_type, data[index]) };
    });
    batches.push({ columns, numParts: Number(batch.num_parts), hasHeaders: batch.columns.length > 0, ...batch });
    batches[i].columns = columns;
  }
  stream.on('error', () => {}); // our own cancellation
  stream.cancel();
  return batches;
}

async function parts(next, batch) {
  const whole = Buffer.alloc(Number(batch.num_bytes));
  for (let i = 0; i < Number(batch.num_parts); i += 1) {
    const { batch_part: part } = await next();
    part.data.copy(whole, Number(part.offset));
  }
  return whole;
}

function cut(headers, whole) {
  let begin = 0;
  return headers.map((header) => {
    const end = begin + Number(header.byte_length);
    const piece = whole.subarray(begin, end);
    begin = end;
    return piece;
  });
}

const SMALL = [
  { path: 'obs', element_type: 'ELEMENT_TYPE_FLOAT32', shape: [3] },
  { path: 'action', element_type: 'ELEMENT_TYPE_INT32', shape: [] },
];
const LARGE = [{ path: 'frame', element_type: 'ELEMENT_TYPE_UINT8', shape: [84, 84, 4] }];
const FRAME = 84 * 84 * 4;
const header = (column, ...leading) => ({
  ...column,
  shape: [...leading, ...column.shape],
  codec: 'COLUMN_CODEC_NONE',
});

// Step `s` of lane `n` has the number 2 s + n: its action, and one, two and three times it as observation.
function smallBlock(index, numSteps) {
  const numbers = Array.from({ length: numSteps * 2 }, (_, i) => index * numSteps * 2 + i);
  const obs = bytesOf(Float32Array.from(numbers.flatMap((number) => [number, 2 * number, 3 * number])));
  const action = bytesOf(Int32Array.from(numbers));
  const columns = SMALL.map((column) => header(column, numSteps, 2));
  columns[0].byte_length = obs.length;
  columns[1].byte_length = action.length;
  return { num_steps: numSteps, columns, data: [obs, action] };
}

async function smallTable(seen) {
  seen.created = (await createTable('node', SMALL, { kind: 'SELECTOR_KIND_PRIORITIZED', priority_exponent: 1 })).created;
  const answer = await append('node', SMALL, 2, [0, 1, 2, 3].map((index) => smallBlock(index, 5)));
  seen.accepted = Number(answer.accepted_sequence);
  const batches = await sample('node', 16, 2);
  for (const { columns } of batches) {
    columns.action.values.forEach((action, i) => {
      assert.deepStrictEqual([...columns.obs.values.subarray(3 * i, 3 * i + 3)], [action, 2 * action, 3 * action]);
    });
  }
  seen.shape = batches[0].columns.obs.shape;
  seen.headers = batches.map((batch) => batch.hasHeaders);
  seen.batch_ids = batches.map((batch) => Number(batch.batch_id));
  seen.actions = [...batches[0].columns.action.values];
  seen.keys = [...batches[0].columns['@key'].values].map(String);
  seen.probabilities = [...batches[0].columns['@probability'].values];
  seen.versions = [...new Set([...batches[0].columns['@version'].values].map(String))];
  return batches.flatMap((batch) => [...batch.columns['@key'].values]);
}

async function priorities(seen, sampledKeys) {
  const everything = await sample('node', 2000, 1);
  const keys = [...new Set([...sampledKeys, ...everything[0].columns['@key'].values])];
  const chosen = keys[0];
  const gone = 0xfff_fffffff_ffffffn; // of a shard that there is not
  const updated = BigUint64Array.from([...keys, gone]);
  const values = Float64Array.from([...keys.map((key) => (key === chosen ? 5 : 0)), 1]);
  const request = { table: 'node', keys: bytesOf(updated), priorities: bytesOf(values) };
  const answer = await unary('UpdatePriorities', request);
  seen.num_keys = keys.length;
  seen.updated = [Number(answer.num_applied), Number(answer.num_ignored)];
  const [batch] = await sample('node', 8, 1);
  seen.chosen = String(chosen);
  seen.served = [...new Set([...batch.columns['@key'].values].map(String))];
  seen.served_priorities = [...new Set(batch.columns['@priority'].values)];
  await streamed(seen, keys);
  seen.refused = await refusal([chosen], [NaN]);
  seen.refused_negative = await refusal([chosen], [-1]);
}

// Two messages, the table named in the first; the answers count both.
async function streamed(seen, keys) {
  const stream = client.StreamPriorities(metadata, { deadline: Date.now() + 30_000 });
  const next = reader(stream);
  for (const [index, table] of ['node', ''].entries()) {
    const values = Float64Array.from(keys.map((_, i) => i + index));
    stream.write({ table, keys: bytesOf(BigUint64Array.from(keys)), priorities: bytesOf(values) });
  }
  let answer = await next();
  while (Number(answer.num_requests) < 2) answer = await next();
  stream.end();
  while ((await next()) !== null);
  seen.streamed = [answer.num_requests, answer.num_applied, answer.num_ignored].map(Number);
  const [batch] = await sample('node', 64, 1);
  const { '@key': key, '@priority': priority } = batch.columns;
  seen.streamed_priorities = [...key.values].every((k, i) => priority.values[i] === keys.indexOf(k) + 1);
}

async function refusal(keys, values) {
  const request = {
    table: 'node', keys: bytesOf(BigUint64Array.from(keys)), priorities: bytesOf(Float64Array.from(values)),
  };
  try {
    await unary('UpdatePriorities', request);
    return null;
  } catch (error) {
    return { code: grpc.status[error.code], message: error.details };
  }
}

async function largeTable(seen) {
  await createTable('frames', LARGE, { kind: 'SELECTOR_KIND_UNIFORM' });
  const numSteps = 16;
  const blocks = [0, 1].map((index) => {
    const data = Buffer.alloc(numSteps * FRAME);
    for (let step = 0; step < numSteps; step += 1) data.fill(index * numSteps + step + 1, step * FRAME, (step + 1) * FRAME);
    const column = { ...header(LARGE[0], numSteps, 1), byte_length: data.length };
    return { num_steps: numSteps, columns: [column], data: [data] };
  });
  await append('frames', LARGE, 1, blocks);
  const [batch] = await sample('frames', 128, 1);
  const { values, shape } = batch.columns.frame;
  seen.parts = batch.numParts;
  seen.large_shape = shape;
  seen.frames = Array.from({ length: 128 }, (_, i) => values[i * FRAME]);
  for (let i = 0; i < 128; i += 1) {
    const frame = values.subarray(i * FRAME, (i + 1) * FRAME);
    assert.ok(frame.every((value) => value === frame[0]), `frame ${i} is not whole`);
  }
}

async function main() {
  const seen = {};
  const keys = await smallTable(seen);
  await priorities(seen, keys);
  await largeTable(seen);
  client.close();
  process.stdout.write(`${JSON.stringify(seen)}\n`);
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
