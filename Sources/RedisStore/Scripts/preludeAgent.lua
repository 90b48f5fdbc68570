-- Prelude: which agent stands for a server. Expects K.agent, a hash of the server: identity, place (for people), heardAt
-- (ms), epoch. Only who asks for work takes it over, in the script that gives the work out; everybody else compares.

-- Another agent: { place, when it was heard of }, or nil. Where `silence` is given, one that is silent for so long is none.
local function other_agent(identity, at, silence)
  local known = redis.call('HMGET', K.agent, 'identity', 'place', 'heardAt', 'epoch')
  if not known[1] or known[1] == identity then return nil, known end
  local heard_at = tonumber(known[3] or '') or 0
  -- Where Redis' clock stepped back, that is no time to wait for.
  if silence and identity ~= '' and not (math.abs(at - heard_at) < silence) then return nil, known end
  return { known[2] or '?', heard_at }, known
end

-- The agent stands for the server from now on, unless another does, which is returned; nil and the epoch otherwise.
local function stand(identity, place, at)
  local other, known = other_agent(identity, at, AGENT_SILENCE)
  if other or identity == '' then return other, 0 end
  local epoch = tonumber(known[4] or '') or 0
  -- An epoch is hardly above the clock: somebody's hand was there.
  local is_sound = epoch > 0 and epoch <= at + EPOCH_AHEAD
  if known[1] == identity and is_sound then
    local heard_at = tonumber(known[3] or '') or 0
    if not (math.abs(at - heard_at) < AGENT_HEARD_EVERY) then redis.call('HSET', K.agent, 'heardAt', text(at)) end
    return nil, epoch
  end
  epoch = is_sound and math.max(epoch + 1, at) or at
  redis.call('HSET', K.agent, 'identity', identity, 'place', place, 'heardAt', text(at), 'epoch', text(epoch))
  return nil, epoch
end
