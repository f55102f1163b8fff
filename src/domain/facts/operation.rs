//! The operations of AWS that the program uses, by the names AWS gives them.

use std::fmt;

macro_rules! operations {
    ($($name:ident,)*) => {
        /// One operation of Elastic Load Balancing, of EC2 or of the Security Token Service.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation { $($name,)* }

        impl Operation {
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

operations! {
    GetCallerIdentity,
    AssumeRole,
    DescribeTargetHealth,
    DescribeTargetGroups,
    DescribeTargetGroupAttributes,
    DescribeLoadBalancers,
    DescribeLoadBalancerAttributes,
    DescribeListeners,
    DescribeRules,
    DescribeTags,
    RegisterTargets,
    DeregisterTargets,
    ModifyListener,
    ModifyRule,
    DescribeInstances,
    DescribeNetworkInterfaces,
    DescribeSubnets,
    DescribeSecurityGroups,
    DescribeSecurityGroupRules,
    GetManagedPrefixListEntries,
}

impl Operation {
    /// The action a policy has to allow.
    pub(crate) fn iam_action(self) -> String {
        let service = match self {
            Self::GetCallerIdentity | Self::AssumeRole => "sts",
            Self::DescribeInstances
            | Self::DescribeNetworkInterfaces
            | Self::DescribeSubnets
            | Self::DescribeSecurityGroups
            | Self::DescribeSecurityGroupRules
            | Self::GetManagedPrefixListEntries => "ec2",
            _ => "elasticloadbalancing",
        };
        format!("{service}:{}", self.name())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
