-- The rows of the user files, or why not.
-- grain:    none
-- why:      the files are read once; core.users judges missing and repeated ids.
-- gate of:  files.users

select
    users.user_id,
    users.user_name,
    users.bad_value as rejected_value,
    case
        when users.bad_line then 'bad_line'
        when users.bad_user_id then 'bad_user_id'
    end as reject_reason
from files.users
