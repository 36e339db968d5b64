import { createHash } from 'node:crypto';

/** A Lua script, run by its hash; the server is sent the text only where it does not know it. */
export type RedisScript = { readonly text: string; readonly sha: string };

/** The script of a text. */
export const script = (text: string): RedisScript => ({
  text,
  sha: createHash('sha1').update(text).digest('hex'),
});

/** Values and keys that were set aside stay for whoever wants to look at them, but not without end. */
export const ASIDE_KEPT = 10_000;

/** Redis has no rollback: each script looks at all it depends on before its first write. */
export const prelude = `
local wanted = { h = 'hash', x = 'stream', z = 'zset', s = 'set', l = 'list' }
local function int(number) return string.format('%.0f', number) end
local function whole(text)
  if text and string.match(text, '^-?%d+$') then return tonumber(text) end
  return nil
end
local function typeOf(key) return redis.call('TYPE', key).ok end
local function misfit(letters)
  for index, key in ipairs(KEYS) do
    local found = typeOf(key)
    if found ~= 'none' and found ~= wanted[string.sub(letters, index, index)] then return index end
  end
  return nil
end
-- The newest ${ASIDE_KEPT} of what was set aside are kept; an older entry goes, with the key that it names.
local function noteAside(list, entry)
  redis.call('LPUSH', list, entry)
  while redis.call('LLEN', list) > ${ASIDE_KEPT} do
    local kept = string.match(redis.call('RPOP', list) or '', '"keptAs":"([^"]+)"')
    local ours = string.gsub(list, 'aside$', 'set-aside:')
    if kept and string.sub(kept, 1, #ours) == ours then redis.call('DEL', kept) end
  end
end
`;

/**
 * Claims the keys for an identity and registers a writer. Writers are remembered in the order of their coming; the
 * oldest beyond ARGV[5] are forgotten, and what still arrives of them is refused. Those that never wrote go first: a
 * standby that is started again and again must not end the one that writes.
 *
 * KEYS meta, writers, writerOrder. ARGV types, schema, owner or '', writer, writers kept, now.
 */
export const openScript = script(`${prelude}
local bad = misfit(ARGV[1])
if bad then return { 'type', bad } end
local schema = redis.call('HGET', KEYS[1], 'schema')
if schema then
  local version = whole(schema)
  if not version then return { 'damaged', schema } end
  if version > tonumber(ARGV[2]) then return { 'newer', version } end
end
local revision = redis.call('HGET', KEYS[1], 'revision')
if revision and not whole(revision) then return { 'damaged', revision } end
local owner = redis.call('HGET', KEYS[1], 'owner')
if owner and ARGV[3] ~= '' and owner ~= ARGV[3] then return { 'foreign', owner } end
if not schema then redis.call('HSET', KEYS[1], 'schema', ARGV[2], 'createdAtMs', ARGV[6]) end
if not owner and ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'owner', ARGV[3]) end
local spare = redis.call('LLEN', KEYS[3])
while redis.call('LLEN', KEYS[3]) >= tonumber(ARGV[5]) do
  local oldest = redis.call('LPOP', KEYS[3])
  spare = spare - 1
  if spare >= 0 and (redis.call('HGET', KEYS[2], oldest) or '0 -\\n') ~= '0 -\\n' then
    redis.call('RPUSH', KEYS[3], oldest)
  else redis.call('HDEL', KEYS[2], oldest) end
end
redis.call('HSET', KEYS[2], ARGV[4], '0 -\\n')
redis.call('RPUSH', KEYS[3], ARGV[4])
return { 'ok' }
`);

/** Tries every command the other scripts use on a key of no meaning; answers which fail, and how. KEYS check. */
export const rightsScript = script(`
local key, other = KEYS[1], KEYS[2]
local failed = {}
local function try(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then
    failed[#failed + 1] = (...) .. ' ' .. answer.err
  end
end
try('DEL', key, other)
try('TYPE', key)
try('EXISTS', key)
try('HSET', key, 'a', '1')
try('HSETNX', key, 'b', '1')
try('HINCRBY', key, 'a', '1')
try('HGET', key, 'a')
try('HMGET', key, 'a', 'b')
try('HGETALL', key)
try('HDEL', key, 'a')
try('RENAMENX', key, other)
try('DEL', key, other)
try('XADD', key, '1-0', 'v', '1')
try('XINFO', 'STREAM', key)
try('XRANGE', key, '-', '+')
try('XREVRANGE', key, '+', '-')
try('XLEN', key)
try('XTRIM', key, 'MINID', '1-0')
try('XDEL', key, '1-0')
try('XSETID', key, '1-0')
try('DEL', key)
try('ZADD', key, 'NX', '0', 'a')
try('ZRANGEBYLEX', key, '-', '+')
try('DEL', key)
try('SADD', key, 'a')
try('SMEMBERS', key)
try('SREM', key, 'a')
try('DEL', key)
try('LPUSH', key, 'a')
try('RPUSH', key, 'a')
try('LPOP', key)
try('RPOP', key)
try('LRANGE', key, '0', '0')
try('LLEN', key)
try('DEL', key)
return failed
`);

/**
 * Applies a group of writes, all of it or nothing, once: the group that a writer sent last is answered from memory
 * when it comes again, an older one is refused, and a hole in the numbers means that the server lost groups it had
 * acknowledged.
 *
 * KEYS writers, meta, logs, bytes, counters, aside, fence or writers, snapshots, idSets, then those of the writes.
 * ARGV types, writer, number, tag, token or '', count of logs, (index of the stream, name)…, writes…; the hash of a
 * log's keys follows its stream.
 */
export const groupScript = script(`${prelude}
local bad = misfit(ARGV[1])
if bad then return { 'type', bad } end
local writer, number, tag, token = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]

local memory = redis.call('HGET', KEYS[1], writer)
if not memory then return { 'unregistered' } end
local lastNumber, lastTag, lastResult = string.match(memory, '^(%d+) (%S+)\\n(.*)$')
lastNumber = tonumber(lastNumber)
if not lastNumber then return { 'unregistered' } end
if lastNumber == number and lastTag == tag then
  -- WAIT counts from the last write of its connection (Redis 7.2, Valkey): a new connection needs one.
  redis.call('HSET', KEYS[1], writer, memory)
  return { 'done', lastResult }
end
if lastNumber >= number then return { 'taken', lastNumber } end
if lastNumber + 1 < number then return { 'lost', lastNumber } end

if token ~= '' and redis.call('HGET', KEYS[7], 'token') ~= token then return { 'fenced' } end
local revision = redis.call('HGET', KEYS[2], 'revision')
if revision and not whole(revision) then return { 'damaged', revision } end

local at = 6
local function take() at = at + 1; return ARGV[at] end
local logs = {}
for position = 1, tonumber(ARGV[6]) do
  local stream, name = tonumber(take()), take()
  local last = whole(redis.call('HGET', KEYS[3], name))
  local top = nil
  if typeOf(KEYS[stream]) == 'stream' then
    local info = redis.call('XINFO', 'STREAM', KEYS[stream])
    for field = 1, #info, 2 do
      if info[field] == 'last-generated-id' then top = info[field + 1] end
    end
  end
  local topSeq = top and string.match(top, '^(%d+)-0$')
  if not last then last = tonumber(topSeq) or 0 end
  if top and (not topSeq or tonumber(topSeq) > last) then return { 'strange', name, int(last) } end
  local bytes = tonumber(redis.call('HGET', KEYS[4], name)) or 0
  logs[position] = { name = name, stream = KEYS[stream], keys = KEYS[stream + 1], last = last, bytes = bytes }
end

local function add(log, seq, key, text)
  if key == '' then redis.call('XADD', log.stream, int(seq) .. '-0', 'v', text)
  else redis.call('XADD', log.stream, int(seq) .. '-0', 'v', text, 'k', key) end
  log.last = seq
  log.bytes = log.bytes + #key + #text
end

local function append() -- a key beyond the end is of a group that was cut short, and has no record
  local log, count = logs[tonumber(take())], tonumber(take())
  local lastSeq, duplicates = log.last, {}
  for index = 1, count do
    local key, text = take(), take()
    local isNew = key == '' or redis.call('HSETNX', log.keys, key, int(log.last + 1)) == 1
    local known = not isNew and tonumber(redis.call('HGET', log.keys, key)) or 0
    if known > log.last then redis.call('HSET', log.keys, key, int(log.last + 1)) end
    if isNew or known > log.last then
      add(log, log.last + 1, key, text)
      lastSeq = log.last
    else
      lastSeq, duplicates[#duplicates + 1] = known, index - 1
    end
  end
  table.insert(duplicates, 1, int(lastSeq))
  return 'a ' .. table.concat(duplicates, ' ')
end

local function import()
  local log, count = logs[tonumber(take())], tonumber(take())
  local from, before, problem, seen = at, log.last, nil, {}
  for index = 1, count do
    local seq, key = tonumber(take()), take()
    take()
    if seq <= before then
      problem = 'record ' .. int(seq) .. ' does not stand after ' .. int(before)
    elseif key ~= '' and (seen[key] or redis.call('HGET', log.keys, key)) then
      problem = 'the key of record ' .. int(seq) .. ' is already there'
    end
    before = seq
    seen[key] = true
  end
  if problem then return 'r ' .. problem end
  at = from
  for index = 1, count do
    local seq, key, text = tonumber(take()), take(), take()
    if key ~= '' then redis.call('HSET', log.keys, key, int(seq)) end
    add(log, seq, key, text)
  end
  return 'i'
end

local function drop()
  local log, upTo, limit = logs[tonumber(take())], take(), take()
  local entries = redis.call('XRANGE', log.stream, '-', upTo .. '-0', 'COUNT', limit)
  local keys, last = {}, nil
  for _, entry in ipairs(entries) do
    last = entry[1]
    local fields = entry[2]
    for field = 1, #fields, 2 do
      if fields[field] == 'k' then keys[#keys + 1] = fields[field + 1] end
      if fields[field] == 'k' or fields[field] == 'v' then log.bytes = log.bytes - #fields[field + 1] end
    end
  end
  for first = 1, #keys, 500 do
    redis.call('HDEL', log.keys, unpack(keys, first, math.min(first + 499, #keys)))
  end
  if last then
    redis.call('XTRIM', log.stream, 'MINID', '=', int(tonumber(string.match(last, '^%d+')) + 1) .. '-0')
  end
  return 'd ' .. int(#entries)
end

local function save()
  local key, name, version, expected = KEYS[tonumber(take())], take(), take(), take()
  local savedAtMs, text = take(), take()
  local actual = whole(redis.call('HGET', key, 'revision'))
  if expected == 'none' and actual then return 'c ' .. int(actual) end
  if expected ~= 'none' and expected ~= 'any' and tonumber(expected) ~= actual then
    return actual and 'c ' .. int(actual) or 'c'
  end
  local given = int(redis.call('HINCRBY', KEYS[2], 'revision', 1))
  redis.call('HSET', key, 'version', version, 'revision', given, 'savedAtMs', savedAtMs, 'text', text)
  redis.call('SADD', KEYS[8], name)
  return 's ' .. given
end

local function use()
  local key, name, count = KEYS[tonumber(take())], take(), tonumber(take())
  local used = {}
  for index = 1, count do
    if redis.call('ZADD', key, 'NX', '0', take()) == 0 then used[#used + 1] = index - 1 end
  end
  redis.call('SADD', KEYS[9], name)
  return 'u ' .. table.concat(used, ' ')
end

local function count()
  local name, by, now = take(), tonumber(take()), take()
  local text = redis.call('HGET', KEYS[5], name)
  local value = whole(text) or 0
  if math.abs(value + by) > 9007199254740991 then return 'r the counter ' .. name .. ' would be too large' end
  if text and not whole(text) then
    noteAside(KEYS[6], cjson.encode({
      kind = 'record', name = name, atMs = tonumber(now), reason = 'a counter that is no whole number', text = text
    }))
  end
  redis.call('HSET', KEYS[5], name, int(value + by))
  return 'n ' .. int(value + by)
end

local kinds = { a = append, i = import, d = drop, s = save, u = use, n = count }
local results = {}
while at < #ARGV do
  local kind = take()
  results[#results + 1] = kind == 'p' and 'p' or kinds[kind]()
end
for _, log in ipairs(logs) do
  redis.call('HSET', KEYS[3], log.name, int(log.last))
  redis.call('HSET', KEYS[4], log.name, int(math.max(0, log.bytes)))
end
local result = table.concat(results, '\\n')
redis.call('HSET', KEYS[1], writer, int(number) .. ' ' .. tag .. '\\n' .. result)
return { 'done', result }
`);

/**
 * Moves a key of a foreign type out of the way, if it still has one. KEYS key, new name, aside. ARGV type, entry.
 */
export const setAsideKeyScript = script(`${prelude}
local found = typeOf(KEYS[1])
if found == 'none' or found == wanted[ARGV[1]] or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('RENAMENX', KEYS[1], KEYS[2])
if typeOf(KEYS[3]) == 'none' or typeOf(KEYS[3]) == 'list' then noteAside(KEYS[3], ARGV[2]) end
return 1
`);

/**
 * Takes entries out of a stream: those named, or with ARGV[1] = 'after' all that stand after the id ARGV[2], after
 * which the stream goes on from that id. KEYS stream, aside, bytes. ARGV 'ids', (id, entry)… | 'after', id, entry;
 * the fields of the stream's entry are added to what is kept.
 */
export const setAsideEntriesScript = script(`${prelude}
if typeOf(KEYS[1]) ~= 'stream' then return 0 end
local name = string.match(KEYS[1], ':log:(.*)$')
local bytes = tonumber(redis.call('HGET', KEYS[3], name)) or 0
local function keep(entry, about)
  local kept = cjson.decode(about)
  kept.text = cjson.encode(entry[2])
  if kept.seq == nil then kept.seq = tonumber(string.match(entry[1], '^%d+')) end
  noteAside(KEYS[2], cjson.encode(kept))
  redis.call('XDEL', KEYS[1], entry[1])
end
local moved = 0
if ARGV[1] == 'after' then
  local after = redis.call('XRANGE', KEYS[1], '(' .. ARGV[2], '+', 'COUNT', 1000)
  for _, entry in ipairs(after) do keep(entry, ARGV[3]) end
  if #after < 1000 then redis.call('XSETID', KEYS[1], ARGV[2]) end
  return #after
end
for index = 2, #ARGV, 2 do
  local entry = redis.call('XRANGE', KEYS[1], ARGV[index], ARGV[index])[1]
  if entry then
    for field = 1, #entry[2], 2 do
      if entry[2][field] == 'v' or entry[2][field] == 'k' then bytes = bytes - #entry[2][field + 1] end
    end
    keep(entry, ARGV[index + 1])
    moved = moved + 1
  end
end
if moved > 0 then redis.call('HSET', KEYS[3], name, int(math.max(0, bytes))) end
return moved
`);

/** Takes a snapshot out of the way if it still has this revision. KEYS snapshot, new name, aside, names. ARGV revision, entry, name. */
export const setAsideSnapshotScript = script(`${prelude}
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('HGET', KEYS[1], 'revision') ~= (ARGV[1] ~= '' and ARGV[1]) then return 0 end
redis.call('RENAMENX', KEYS[1], KEYS[2])
noteAside(KEYS[3], ARGV[2])
redis.call('SREM', KEYS[4], ARGV[3])
return 1
`);
