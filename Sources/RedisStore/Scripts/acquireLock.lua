-- Takes a lock of people's scripts if it is free or its lease is over, unless it was begun too short a time ago.
--
-- KEYS  1 lock  2 locks of the shard
-- ARGV  1 name  2 holder  3 nonce  4 time to live in ms  5 not if begun within so many ms, or ''  6 ms until it is forgotten
--       7 how many locks the shard's index keeps
-- Returns {1, epoch}, or {0 (held) or 2 (begun recently), holder, epoch, lastBegunAt, expiresAt, nonce, now}: the hash's
-- own fields as they are.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function text(number) return string.format('%.0f', number) end

local known = redis.call('HMGET', KEYS[1], 'holder', 'epoch', 'lastBegunAt', 'expiresAt', 'nonce')
-- What somebody's hand has damaged is taken as over, or nobody could have it ever again.
local epoch = tonumber(known[2] or '') or 0
local is_held = known[5] and now < (tonumber(known[4] or '') or 0)
-- The answer to this very call was lost: it is the same lease, counted from now.
if is_held and known[5] == ARGV[3] then
  redis.call('HSET', KEYS[1], 'expiresAt', text(now + tonumber(ARGV[4])))
  return { 1, epoch }
end
local begun, span = tonumber(known[3] or ''), tonumber(ARGV[5])
-- A clock that was set back makes a begin of the future: as long ago as it is ahead.
local is_recent = begun and span and math.abs(now - begun) < span
if is_recent or is_held then
  return { is_recent and 2 or 0, known[1], known[2], known[3], known[4], known[5], now }
end
epoch = math.max(epoch + 1, now)
redis.call('HSET', KEYS[1], 'holder', ARGV[2], 'nonce', ARGV[3], 'epoch', text(epoch), 'lastBegunAt', text(now),
  'expiresAt', text(now + tonumber(ARGV[4])))
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('ZADD', KEYS[2], text(now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(now - tonumber(ARGV[6])))
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - tonumber(ARGV[7]))
return { 1, epoch }
