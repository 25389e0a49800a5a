//! The words of the outbox and of the planner, for those of our own people
//! who read Chinese: in a digest they should not stumble over program words.

use jiff::civil::DateTime;

use super::words::Language;
use crate::domain::notice::LetterState;

/// What stops a letter, as [`crate::domain::stop::Stop::name`] and the engine
/// say it.
const REASONS: [(&str, &str); 48] = [
    ("not in audience", "不属规则对象"),
    ("excluded", "属规则例外"),
    ("below minimum", "低于催收起点"),
    ("settled", "已结清"),
    ("closed", "账上已了结"),
    ("credit note", "贷项通知单"),
    ("disputed", "有争议"),
    ("on hold", "已暂缓"),
    ("promised", "已承诺付款"),
    ("promise over", "承诺已了结"),
    ("covered by credit", "有款项可抵扣"),
    ("customer blocked", "客户已停发"),
    ("customer forgotten", "客户资料已删除"),
    ("address missing", "无邮箱地址"),
    ("address unusable", "邮箱地址不可用"),
    ("address suppressed", "邮箱地址已停用"),
    ("recipient missing", "缺收件人"),
    ("backlog", "规则启用前已到期"),
    ("lapsed", "已过到期日"),
    ("stale", "时机已过"),
    ("too soon after issue", "开单未满三日"),
    ("interlock", "另有事项未了"),
    ("done", "已全部发出"),
    ("ended", "已结束"),
    ("no anchor", "无起算日"),
    ("payment bounced", "款项被退回"),
    ("time-barred", "诉讼时效已届满"),
    ("in outbox", "已在发件箱"),
    ("not reached", "时候未到"),
    ("schedule", "规则尚未检查"),
    ("spacing", "与前一封间隔不足"),
    ("minimum gap", "与其他提醒间隔不足"),
    ("data too old", "付款数据过旧"),
    ("budget", "该客户信件已达上限"),
    ("rule cap", "该规则信件已达上限"),
    ("pass cap", "本批已满"),
    ("outside the hours", "不在发信时段"),
    ("approval", "待批准"),
    ("awaiting approval", "待批准"),
    ("unusual volume", "发信量异常"),
    ("restored store", "数据库为旧备份"),
    ("record missing", "发信记录缺失"),
    ("clock went back", "系统时钟倒退"),
    ("clock leapt ahead", "系统时钟跳前"),
    ("disk nearly full", "磁盘空间不足"),
    ("mail server", "邮件服务器不可用"),
    ("perhaps sent", "可能已发出"),
    ("no longer asked for by any rule", "已无规则要求"),
];

impl Language {
    /// Where a letter stands, as people say it.
    #[must_use]
    pub fn state(self, state: LetterState) -> &'static str {
        if self != Self::Chinese {
            return state.as_str();
        }
        match state {
            LetterState::Queued => "待发",
            LetterState::Sending => "发送中",
            LetterState::Sent => "已发出",
            LetterState::Bounced => "被退回",
            LetterState::Retry => "待重试",
            LetterState::Rejected => "被拒收",
            LetterState::Uncertain => "是否送达不明",
            LetterState::Assumed => "视为已发出",
            LetterState::Cancelled => "已取消",
            LetterState::Expired => "逾时未送达",
            LetterState::Held => "待放行",
        }
    }

    /// Why it stands there. What a mail server said, or which template is
    /// wrong, stays as it is.
    #[must_use]
    pub fn reason(self, reason: &str) -> String {
        let (name, about) = match reason.split_once(" (") {
            Some((name, about)) => (name, about.strip_suffix(')')),
            None => (reason, None),
        };
        let known = REASONS.iter().find(|(english, _)| self == Self::Chinese && *english == name);
        match (known, about) {
            (Some((_, chinese)), Some(about)) => format!("{chinese}（{about}）"),
            (Some((_, chinese)), None) => (*chinese).to_owned(),
            (None, _) => reason.to_owned(),
        }
    }

    /// `12 March 2026, 10:00`; `2026年3月12日10:00`.
    #[must_use]
    pub fn moment(self, at: DateTime) -> String {
        let (date, time) = (self.date(at.date()), at.strftime("%R"));
        match self {
            Self::English | Self::American => format!("{date}, {time}"),
            Self::Chinese => format!("{date}{time}"),
            Self::Other => format!("{date} {time}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::AddressError;
    use crate::domain::stop::Stop;

    #[test]
    fn what_stops_a_letter_is_said_in_the_readers_language() {
        for (stop, english, chinese) in [
            (Stop::Settled, "settled", "已结清"),
            (
                Stop::Suppressed("550 (5.1.1) no".into()),
                "address suppressed (550 (5.1.1) no)",
                "邮箱地址已停用（550 (5.1.1) no）",
            ),
            (Stop::NoAddress(AddressError::Missing), "address missing", "无邮箱地址"),
            (
                Stop::TimeBarred(jiff::civil::date(2026, 3, 1)),
                "time-barred (since 2026-03-01)",
                "诉讼时效已届满（since 2026-03-01）",
            ),
        ] {
            assert_eq!(Language::English.reason(&stop.to_string()), english);
            assert_eq!(Language::Chinese.reason(&stop.to_string()), chinese);
        }
        assert_eq!(Language::Chinese.reason("550 no such user (x)"), "550 no such user (x)");
    }

    #[test]
    fn a_moment_names_its_day_and_time() {
        let at = jiff::civil::date(2026, 3, 12).at(9, 5, 0, 0);
        assert_eq!(Language::English.moment(at), "12 March 2026, 09:05");
        assert_eq!(Language::Chinese.moment(at), "2026年3月12日09:05");
        assert_eq!(Language::Other.moment(at), "2026-03-12 09:05");
    }
}
