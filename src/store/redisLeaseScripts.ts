import { prelude, script } from './redisScripts.ts';

/** The lease afterwards, as strings; nothing where nobody ever had it. */
const leaseLua = `
local function stored()
  local token, holder, beat = unpack(redis.call('HMGET', KEYS[1], 'token', 'holder', 'beat'))
  return token, holder or '', beat or '0'
end
local function answer(word)
  local token, holder, beat = stored()
  if not token then return { word } end
  return { word, token, holder, beat }
end
`;

/** KEYS lease. ARGV types. */
export const readLeaseScript = script(`${prelude}${leaseLua}
local bad = misfit(ARGV[1])
if bad then return { 'type', bad } end
return answer('done')
`);

/**
 * Taken again by the same holder it stays as it is: the first answer may have been lost.
 *
 * KEYS lease, leases. ARGV types, name, holder, then token, holder, beat of what it is taken over from; '' for none.
 */
export const takeLeaseScript = script(`${prelude}${leaseLua}
local bad = misfit(ARGV[1])
if bad then return { 'type', bad } end
local token, holder, beat = stored()
local next = (tonumber(ARGV[4]) or 0) + 1
if token and tonumber(token) == next and holder == ARGV[3] and beat == '0' then return answer('done') end
if (token or '') ~= ARGV[4] or (token and holder or '') ~= ARGV[5] or (token and beat or '') ~= ARGV[6] then
  return answer('other')
end
redis.call('HSET', KEYS[1], 'token', int(next), 'holder', ARGV[3], 'beat', '0')
redis.call('SADD', KEYS[2], ARGV[2])
return answer('done')
`);

/** KEYS lease. ARGV types, token. */
export const renewLeaseScript = script(`${prelude}${leaseLua}
local bad = misfit(ARGV[1])
if bad then return { 'type', bad } end
local token, holder, beat = stored()
if token ~= ARGV[2] or holder == '' then return answer('other') end
redis.call('HSET', KEYS[1], 'beat', int((tonumber(beat) or 0) + 1))
return answer('done')
`);

/** KEYS lease. ARGV types, token. */
export const releaseLeaseScript = script(`${prelude}${leaseLua}
local bad = misfit(ARGV[1])
if bad then return { 'type', bad } end
local token = stored()
if token == ARGV[2] then redis.call('HDEL', KEYS[1], 'holder') end
return answer('done')
`);
