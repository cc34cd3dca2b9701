# Deletes the files of a list, and then every folder that this leaves empty.
# Run as a script: cmake -D MANIFEST=FILE -P remove.cmake; or included for remove_files(). Look next: install.cmake.
#
# SPDX-License-Identifier: GPL-2.0-or-later

# The folder, if nothing is in it, and so on upwards.
function(remove_empty_folders folder)
    # Not the places that were there before: a home, a staging folder.
    while(IS_DIRECTORY ${folder} AND NOT folder MATCHES "^($ENV{HOME}|$ENV{DESTDIR}|)/?$")
        file(GLOB content LIST_DIRECTORIES true ${folder}/* ${folder}/.*)
        list(FILTER content EXCLUDE REGEX "/\\.\\.?$")
        if(content)
            return()
        endif()
        file(REMOVE_RECURSE ${folder})
        get_filename_component(folder ${folder} DIRECTORY)
    endwhile()
endfunction()

function(remove_files)
    foreach(path IN LISTS ARGN)
        if(EXISTS ${path} OR IS_SYMLINK ${path})
            file(REMOVE ${path})
            if(EXISTS ${path} OR IS_SYMLINK ${path})
                message(FATAL_ERROR "${path} cannot be removed: you may not, or it is in use")
            endif()
            message(STATUS "Removed ${path}")
        endif()
        get_filename_component(folder ${path} DIRECTORY)
        remove_empty_folders(${folder})
    endforeach()
endfunction()

if(MANIFEST)
    if(NOT EXISTS ${MANIFEST})
        message(FATAL_ERROR "Nothing was installed from this build tree: there is no ${MANIFEST}")
    endif()
    file(STRINGS ${MANIFEST} files)
    list(TRANSFORM files PREPEND "$ENV{DESTDIR}")
    remove_files(${files})
endif()
