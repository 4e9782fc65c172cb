//! Every row of the rules' table and every arrow of their picture, in virtual time.

mod bounds;
mod endings;
mod script;
