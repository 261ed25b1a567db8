//! Types of layers that are there where their part is built in.

use core::convert::Infallible;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use crate::blob::OpenError;
use crate::name::Name;

/// What `T` is in this program: itself where the part is built in, else
/// [`Absent`].
pub type If<P, T> = <P as Switch>::Of<T>;

/// In place of a `T` of a part that is not built in: there is no value of it.
#[derive(Clone, Copy, Debug)]
pub struct Absent<T> {
    never: Infallible,
    of: PhantomData<T>,
}

impl<T> Deref for Absent<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self.never {}
    }
}

impl<T> DerefMut for Absent<T> {
    fn deref_mut(&mut self) -> &mut T {
        match self.never {}
    }
}

/// A part of the engine, as a type.
pub trait Switch {
    /// `T`, or [`Absent`].
    type Of<T>;

    /// Reads a part of a layer.
    ///
    /// # Errors
    ///
    /// Returns [`OpenError::NotBuiltIn`] in place of what `read` would return where
    /// the part is not built in.
    fn read<T>(
        layer: Name,
        read: impl FnOnce() -> Result<T, OpenError>,
    ) -> Result<Self::Of<T>, OpenError>;

    /// Makes something else of a value.
    fn map<T, U>(value: Self::Of<T>, f: impl FnOnce(T) -> U) -> Self::Of<U>;

    /// Makes something else of a value, or nothing.
    fn try_map<T, U>(value: Self::Of<T>, f: impl FnOnce(T) -> Option<U>) -> Option<Self::Of<U>>;

    /// Returns the value itself.
    fn get<T>(value: Self::Of<T>) -> T;
}

macro_rules! part {
    ($Part:ident, $feature:literal) => {
        #[doc = concat!("The part of the cargo feature `", $feature, "`.")]
        #[derive(Clone, Copy, Debug)]
        pub enum $Part {}

        #[cfg(feature = $feature)]
        impl Switch for $Part {
            type Of<T> = T;

            #[inline]
            fn read<T>(
                _: Name,
                read: impl FnOnce() -> Result<T, OpenError>,
            ) -> Result<T, OpenError> {
                read()
            }

            #[inline]
            fn map<T, U>(value: T, f: impl FnOnce(T) -> U) -> U {
                f(value)
            }

            #[inline]
            fn try_map<T, U>(value: T, f: impl FnOnce(T) -> Option<U>) -> Option<U> {
                f(value)
            }

            #[inline]
            fn get<T>(value: T) -> T {
                value
            }
        }

        #[cfg(not(feature = $feature))]
        impl Switch for $Part {
            type Of<T> = Absent<T>;

            fn read<T>(
                layer: Name,
                _: impl FnOnce() -> Result<T, OpenError>,
            ) -> Result<Absent<T>, OpenError> {
                Err(OpenError::NotBuiltIn { layer, part: super::Part::$Part })
            }

            fn map<T, U>(value: Absent<T>, _: impl FnOnce(T) -> U) -> Absent<U> {
                match value.never {}
            }

            fn try_map<T, U>(
                value: Absent<T>,
                _: impl FnOnce(T) -> Option<U>,
            ) -> Option<Absent<U>> {
                match value.never {}
            }

            fn get<T>(value: Absent<T>) -> T {
                match value.never {}
            }
        }
    };
}

part!(Transforms, "transforms");
part!(Components, "components");
part!(Recognition, "recognition");
part!(Population, "population");
