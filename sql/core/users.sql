-- Every user the source names, each once, with its dense index.
-- grain:    user_id
-- why:      users without events stay: a profile alone is enough for some models. Of a repeated id
--           the smallest name wins, a missing name last: the order of files does not matter.
-- check:    user_idx >= 0
-- check (warn):
--           lower(cast(user_id as varchar))
--           not in ('\n', 'null', 'nan', 'none', 'na', 'n/a', '<na>', 'nat')
--           -- one user is called {user_id}. If that means that there is none, say so by the
--           reader's option null, as in --reader "events.null=['{user_id}']"
-- gate of:  staging.users
-- harmless: duplicate_user_id

with
-- one row per staged user, judged
judged_users as (
    select
        users.user_id,
        users.user_name,
        case
            when users.user_id is null then 'missing_user_id'
            when row_number() over (
                partition by users.user_id
                order by users.user_name nulls last
            ) > 1 then 'duplicate_user_id'
        end as reject_reason
    from staging.users
)

select
    judged_users.user_id,
    judged_users.user_name,
    -- dense and 0-based in the order of user_id, for matrices only; null where rejected
    case
        when judged_users.reject_reason is null then cast(
            row_number() over (
                partition by judged_users.reject_reason is null
                order by judged_users.user_id
            ) - 1 as integer
        )
    end as user_idx,
    judged_users.reject_reason
from judged_users
