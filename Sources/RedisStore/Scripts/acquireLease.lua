-- Takes the lock if it is free, expired, or its holder's presence line is gone.
--
-- KEYS  1 lease
-- ARGV  1 holder  2 nonce  3 time to live in ms  4 "1": may preempt  5 PUBLISH or SPUBLISH  6 prefix of presence channels
-- Returns {1, epoch}, or {0, holder, nonce, epoch, acquiredAt, expiresAt, now}.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local held = redis.call('HMGET', KEYS[1], 'holder', 'nonce', 'epoch', 'acquiredAt', 'expiresAt')
-- What somebody's hand has damaged is taken as expired, or nobody could lead ever again.
local epoch = tonumber(held[3] or '') or 0
if held[2] and now < (tonumber(held[5] or '') or 0) then
  -- The answer to this very call was lost: it is the same term, counted from now.
  if held[2] == ARGV[2] then
    redis.call('HSET', KEYS[1], 'expiresAt', string.format('%.0f', now + tonumber(ARGV[3])))
    return { 1, epoch }
  end
  local is_gone = ARGV[4] == '1' and redis.call(ARGV[5], ARGV[6] .. held[2], 'are you there?') == 0
  if not is_gone then return { 0, held[1], held[2], epoch, tonumber(held[4] or '') or 0, tonumber(held[5]), now } end
end
epoch = math.max(epoch + 1, now)
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'nonce', ARGV[2], 'epoch', string.format('%.0f', epoch),
  'acquiredAt', string.format('%.0f', now), 'expiresAt', string.format('%.0f', now + tonumber(ARGV[3])))
return { 1, epoch }
